#include "base/env.h"

#include <openssl/rand.h>
#include <pthread.h>

#include <cstdint>
#include <cstring>
#include <thread>

#include "base/check.h"

namespace channels {

namespace {

class RealSignal : public Signal {
 public:
  void notify_all() override { condition_.notify_all(); }
  void wait_until(std::unique_lock<std::mutex>& lock, MonoTime deadline) override {
    condition_.wait_until(lock, deadline);
  }

 private:
  std::condition_variable condition_;
};

class RealThread : public Thread {
 public:
  RealThread(const std::string& name, std::function<void()> body) : thread_(std::move(body)) {
    pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
  }
  ~RealThread() override { thread_.join(); }

 private:
  std::thread thread_;
};

}  // namespace

double Env::random_unit() {
  const std::string bytes = random_bytes(4);
  std::uint32_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return static_cast<double>(number) / 4294967296.0;
}

std::string RealEnv::random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  const int done =
      RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count));
  check(done == 1, "OpenSSL has no random numbers");
  return bytes;
}

std::unique_ptr<Signal> RealEnv::make_signal() {
  return std::make_unique<RealSignal>();
}

std::unique_ptr<Thread> RealEnv::start(const std::string& name, std::function<void()> body) {
  return std::make_unique<RealThread>(name, std::move(body));
}

void pause(Env& env, milliseconds time) {
  const auto nobody = env.make_signal();
  const MonoTime until = env.mono_now() + time;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  while (env.mono_now() < until) nobody->wait_until(lock, until);
}

}  // namespace channels
