// The documents that one process of a program has in hand, by number: what was handed to it, what has to be cancelled or
// given up when. The bookkeeping of Program, without any waiting in it.
//
//   handed ──answer──────────────> over
//     └ time limit: to be cancelled ──answer──> over
//                    └ grace over: given up; its place stays taken until a late answer, which counts no more
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "engine/elsewhere.h"

namespace channels {

// What one run of a program is about, and who waits for its end.
struct ProgramRun {
  Elsewhere::Task task;
  Elsewhere::Ended ended;
};

class InHand {
 public:
  InHand(milliseconds time_limit, milliseconds grace) : time_limit_(time_limit), grace_(grace) {}

  // The number that the next add() gives.
  std::uint64_t next_number() const { return last_number_ + 1; }
  void add(ProgramRun run, MonoTime now);
  // An answer came. Empty: that run was given up, or there is none of that number.
  std::optional<ProgramRun> take(std::uint64_t number);
  // Was it given up? It is no longer, then: an answer in its place came late.
  bool was_late(std::uint64_t number);

  std::vector<std::uint64_t> to_be_cancelled(MonoTime now);
  struct GivenUp {
    ProgramRun run;
    MonoTime handed_at;
  };
  std::vector<GivenUp> to_be_given_up(MonoTime now);
  // When one of these has something new to say.
  std::optional<MonoTime> next_event() const;

  // All that are still waited for, by number; the process is gone.
  std::map<std::uint64_t, ProgramRun> take_all();

  std::size_t size() const { return runs_.size(); }  // those given up included
  std::size_t given_up() const;

 private:
  struct Entry {
    std::optional<ProgramRun> run;  // empty: given up
    MonoTime handed_at;
    MonoTime next;  // cancelled, then given up
    bool cancelled = false;
  };

  const milliseconds time_limit_;
  const milliseconds grace_;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Entry> runs_;
};

}  // namespace channels
