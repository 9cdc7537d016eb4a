#include "programs/program.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"
#include "engine/backoff.h"

namespace channels {

namespace {

// From "cancel" until the run is given up.
constexpr milliseconds grace = seconds(2);
// From the end of its standard input until it is killed.
constexpr milliseconds last_wait = seconds(2);
// A process that lasted so long starts the delays anew.
constexpr milliseconds lasting = seconds(60);
constexpr milliseconds longest_delay = seconds(60);
// The largest document that CouchDB takes by default is 8 MB.
constexpr std::size_t longest_line = std::size_t{32} << 20;
constexpr std::size_t longest_error_line = 4000;
// Safe runs that it takes beyond those it has in hand, so that a batch of the engine's is one.
constexpr std::size_t safe_places = 1000;

}  // namespace

Program::Program(Env& env, Log& log, ProgramSettings settings, std::string url, Cookies& cookies, bool on)
    : env_(env),
      settings_(std::move(settings)),
      url_(std::move(url)),
      cookies_(cookies),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      wanted_(on),
      log_(env, log, settings_.name),
      in_hand_(settings_.timeout, grace),
      out_(longest_line),
      err_(longest_error_line) {
  check(wake_fd_ >= 0, "there is no eventfd");
  thread_ = env_.start("program", [this] { work(); });
}

Program::~Program() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake();
  thread_.reset();
  close(wake_fd_);
}

milliseconds Program::longest_run() const {
  return settings_.timeout + grace;
}

std::size_t Program::places(Mode mode) const {
  return mode == Mode::unsafe ? static_cast<std::size_t>(settings_.in_flight) : safe_places;
}

void Program::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
}

void Program::begin(Task task, Ended ended) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::up && wanted_ && !paused_ && !stopped_) {
      const bool first = queue_.empty();
      ++accepted_;
      // A lease runs.
      if (task.mode == Mode::unsafe) {
        queue_.push_front({std::move(task), std::move(ended)});
      } else {
        queue_.push_back({std::move(task), std::move(ended)});
      }
      if (first) wake();
      return;
    }
  }
  ended(put_off());
}

// Few documents are looked at again soon; many not all at once.
Outcome Program::put_off() {
  int count = 0;
  {
    const std::lock_guard lock(mutex_);
    count = ++put_off_;
  }
  const milliseconds wait = std::clamp<milliseconds>(milliseconds(20 * count), seconds(5), seconds(600));
  return Later{env_.wall_now() + wait};
}

void Program::end(const ProgramRun& run, std::optional<Outcome> outcome) {
  run.ended(std::move(outcome));
  const std::lock_guard lock(mutex_);
  --accepted_;
}

void Program::switch_on(bool on) {
  {
    const std::lock_guard lock(mutex_);
    if (wanted_ == on) return;
    wanted_ = on;
  }
  wake();
}

void Program::refuse(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (refused_) return;
    refused_ = true;
    wanted_ = false;
  }
  log_.told(Level::error, "is refused: " + why);
  wake();
}

std::optional<std::vector<Registration>> Program::registered() {
  const std::lock_guard lock(mutex_);
  return registered_;
}

bool Program::is_beginning() {
  const std::lock_guard lock(mutex_);
  return wanted_ && !refused_ && !has_ended_ && !registered_;
}

bool Program::is_wanted() {
  const std::lock_guard lock(mutex_);
  return wanted_ && !refused_ && !stopped_;
}

// --- the life of its processes -------------------------------------------------------------------

void Program::work() {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) return;
    }
    if (!is_wanted()) {
      wait_until(MonoTime::max());
      continue;
    }
    run_process();
    if (!is_wanted()) continue;
    const milliseconds delay = std::min(backoff(failures_, env_.random_unit()), longest_delay);
    log_.told(Level::info, "is started again in " + std::to_string((delay.count() + 999) / 1000) + " s");
    const MonoTime then = env_.mono_now() + delay;
    while (is_wanted() && env_.mono_now() < then) wait_until(then);
  }
}

// Until then, or until something happened.
bool Program::wait_until(MonoTime time) {
  pollfd source{wake_fd_, POLLIN, 0};
  const auto left = std::chrono::ceil<milliseconds>(time == MonoTime::max() ? milliseconds(60000) : time - env_.mono_now());
  poll(&source, 1, static_cast<int>(std::clamp<long>(left.count(), 0, 60000)));
  std::uint64_t count = 0;
  return ::read(wake_fd_, &count, sizeof count) > 0;
}

void Program::run_process() {
  begin_serving();
  std::string reason;
  try {
    std::map<std::string, std::string> variables = settings_.variables;
    variables["COUCHDB_URL"] = url_;
    process_ = std::make_unique<Process>(settings_.command, variables);
    reason = serve();
  } catch (const std::runtime_error& trouble) {
    reason = "cannot be started: " + std::string(trouble.what());
  }
  {
    const std::lock_guard lock(mutex_);
    state_ = State::off;
    has_ended_ = true;
  }
  failures_ = env_.mono_now() - started_at_ >= lasting ? 1 : failures_ + 1;
  put_off_queue();
  end_process(reason);
}

void Program::begin_serving() {
  registering_.clear();
  ready_ = out_ended_ = err_ended_ = false;
  started_at_ = heard_at_ = env_.mono_now();
  bad_lines_ = 0;
  out_.clear();
  err_.clear();
  outgoing_.clear();
  const std::lock_guard lock(mutex_);
  state_ = State::starting;
}

void Program::pause(bool paused) {
  {
    const std::lock_guard lock(mutex_);
    paused_ = paused;
  }
  wake();
}

bool Program::is_idle() {
  const std::lock_guard lock(mutex_);
  return accepted_ == 0;
}

void Program::put_off_queue() {
  std::deque<ProgramRun> queue;
  {
    const std::lock_guard lock(mutex_);
    queue.swap(queue_);
  }
  for (const ProgramRun& run : queue) end(run, put_off());
}

// An empty reason: it is to end, since nobody wants it any more.
void Program::end_process(const std::string& reason) {
  std::string how = reason;
  if (process_) {
    const bool on_its_own = out_ended_;
    process_->close_in();
    if (!process_->ended_within(reason.empty() || on_its_own ? last_wait : milliseconds(0))) process_->kill();
    read_errors();
    if (on_its_own) how += " (" + process_->how_it_ended() + ")";
    if (!err_.rest().empty()) log_.said(Level::info, err_.rest());
    process_.reset();
  }
  settle_in_hand(how.empty() ? "the program was ended" : "the program " + how);
  if (!reason.empty()) log_.told(Level::error, how);
}

void Program::settle_in_hand(const std::string& reason) {
  std::map<std::uint64_t, ProgramRun> runs = in_hand_.take_all();
  for (const Outgoing& unread : outgoing_) {
    const auto found = runs.find(unread.number);
    if (found == runs.end()) continue;
    end(found->second, put_off());  // it never had it whole
    runs.erase(found);
  }
  outgoing_.clear();
  for (const auto& [number, run] : runs) {
    if (run.task.mode == Mode::safe) {
      end(run, Failed{reason, std::nullopt});
    } else {
      end(run, Lost{reason + " during this run; whether it acted is unknown"});
    }
  }
}

}  // namespace channels
