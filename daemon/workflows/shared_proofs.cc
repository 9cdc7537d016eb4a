#include "workflows/shared_proofs.h"

namespace channels {

namespace {

// A wake-up that was missed costs this; readings take less.
constexpr seconds look_again{5};

}  // namespace

// While it is there its address' entry is; made and ended under mutex_.
class SharedProofs::Use {
 public:
  Use(std::map<std::string, Reading>& readings, const std::string& address)
      : readings_(readings), entry_(readings.try_emplace(address).first) {
    ++entry_->second.users;
  }
  ~Use() {
    if (--entry_->second.users == 0) readings_.erase(entry_);
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  Reading& operator*() { return entry_->second; }

 private:
  std::map<std::string, Reading>& readings_;
  std::map<std::string, Reading>::iterator entry_;
};

// One thread reads, without the mutex; the others wait. Also when the reading throws, the next one gets its turn.
class SharedProofs::Turn {
 public:
  Turn(std::unique_lock<std::mutex>& lock, Reading& reading, Signal& over) : lock_(lock), reading_(reading), over_(over) {
    reading_.under_way = true;
    lock_.unlock();
  }
  ~Turn() {
    lock_.lock();
    reading_.under_way = false;
    over_.notify_all();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::unique_lock<std::mutex>& lock_;
  Reading& reading_;
  Signal& over_;
};

std::shared_ptr<const SharedProofs::Proofs> SharedProofs::read(const std::string& address,
                                                               const std::function<Proofs()>& read_now) {
  std::unique_lock lock(mutex_);
  const std::uint64_t asked = ++ticks_;
  Use use(readings_, address);
  Reading& reading = *use;
  while (true) {
    if (reading.begun > asked) return reading.proofs;
    if (!reading.under_way) break;
    read_->wait_until(lock, env_.mono_now() + look_again);
  }
  const std::uint64_t begun = ++ticks_;
  std::shared_ptr<const Proofs> proofs;
  {
    const Turn turn(lock, reading, *read_);
    proofs = std::make_shared<const Proofs>(read_now());
  }
  reading.begun = begun;
  reading.proofs = proofs;
  return proofs;
}

}  // namespace channels
