#include "workflows/shared_proofs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

namespace channels {
namespace {

using Proofs = SharedProofs::Proofs;

// Counts who waits for the others.
class CountingEnv : public RealEnv {
 public:
  std::unique_ptr<Signal> make_signal() override { return std::make_unique<Counted>(RealEnv::make_signal(), waits); }
  std::atomic<int> waits = 0;

 private:
  class Counted : public Signal {
   public:
    Counted(std::unique_ptr<Signal> real, std::atomic<int>& waits) : real_(std::move(real)), waits_(waits) {}
    void notify_all() override { real_->notify_all(); }
    void wait_until(std::unique_lock<std::mutex>& lock, MonoTime deadline) override {
      ++waits_;
      real_->wait_until(lock, deadline);
    }

   private:
    std::unique_ptr<Signal> real_;
    std::atomic<int>& waits_;
  };
};

TEST(SharedProofs, WhoAskDuringAReadingShareTheNextOne) {
  constexpr int late = 7;
  CountingEnv env;
  SharedProofs proofs(env);
  std::atomic<int> readings = 0;
  std::atomic<bool> begun = false;
  const auto read = [&]() -> Proofs {
    const int number = ++readings;
    if (number == 1) begun = true;
    while (number == 1 && env.waits < late) std::this_thread::yield();
    return {{"proof", std::to_string(number)}};
  };
  std::jthread first([&] { EXPECT_EQ(proofs.read("a", read)->at("proof"), "1"); });
  while (!begun) std::this_thread::yield();
  {
    std::vector<std::jthread> others;
    for (int i = 0; i < late; ++i) others.emplace_back([&] { EXPECT_EQ(proofs.read("a", read)->at("proof"), "2"); });
  }
  EXPECT_EQ(readings, 2);
}

TEST(SharedProofs, AreReadAnewForWhoAsksLater) {
  RealEnv env;
  SharedProofs proofs(env);
  int readings = 0;
  const auto read = [&] { return Proofs{{"proof", std::to_string(++readings)}}; };
  EXPECT_EQ(proofs.read("a", read)->at("proof"), "1");
  EXPECT_EQ(proofs.read("a", read)->at("proof"), "2");
  EXPECT_EQ(proofs.read("b", read)->at("proof"), "3");
}

TEST(SharedProofs, AReadingThatFailedIsNobodysAnswer) {
  RealEnv env;
  SharedProofs proofs(env);
  EXPECT_THROW(proofs.read("a", []() -> Proofs { throw std::runtime_error("down"); }), std::runtime_error);
  EXPECT_EQ(proofs.read("a", [] { return Proofs{{"proof", "there"}}; })->at("proof"), "there");
}

}  // namespace
}  // namespace channels
