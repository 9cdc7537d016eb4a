// A rollout as the registry has it, and how it moves. Pure: who changes it does so within Registry::update. Used by
// rollout.cc and by `couchdb-channels rollout`.
//
//   {"_id": "rollout", "type": "rollout", "state": "running" | "paused" | "stopped" | "done",
//    "version": what channels are brought to, "template": what template_db was last seen to be,
//    "before": the last version that all channels were brought to, "back": true of a way back, "attempt": 1,
//    "wave": 1 to 3, "channels": how many there were at its beginning, "visited", "wave_visited",
//    "wave_failed", "failed", "kept", "reports": [{"channel", "id", "what"}], "failures":
//    [{"channel", "reason"}], "reason", "started", "ended", "worker": who runs it, "beat": 17}
//
//   [*] -> running -> done              running <-> paused
//   running -> stopped -> running       by `resume` (what failed is tried again) or `back`
//
// A channel's record says what it has: "template": VERSION, or where that failed also "template_failed": {"version",
// "attempt", "reason"}. The registry's view channels_by_template has these as one key (key_of_version, key_of_failed).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "couch/document.h"

namespace channels {

constexpr std::string_view rollout_id = "rollout";
constexpr int last_wave = 3;

// --- Keys of channels_by_template

std::string key_of_failed(const Document& rollout);

// Where channels are that this rollout has not been at: a range of keys, `to` exclusive, "" for no end.
struct KeyRange {
  std::string from;
  std::string to;
};
std::vector<KeyRange> waiting_ranges(const Document& rollout);

// --- Waves

// How many channels more belong to its wave.
std::int64_t left_in_wave(const Document& rollout);

// What became of some channels.
struct RolloutResults {
  struct Report {
    std::string channel;
    std::string id;
    std::string what;
  };
  struct Failure {
    std::string channel;
    std::string reason;
  };
  std::int64_t visited = 0;  // with those that failed
  std::vector<Report> reports;
  std::vector<Failure> failures;
};
// Counts them; goes to the next wave where this one is full, or stops where too many failed.
void note_results(Document& rollout, const RolloutResults& results, WallTime now);
// No channel is left: done, or stopped.
void finish_rollout(Document& rollout, WallTime now);

// --- Ways

// A new version of the template, from the first wave on. With `channels` in all.
void begin_rollout(Document& rollout, const std::string& version, std::int64_t channels, WallTime now);
// Channels that were not brought along (made in between, from an older version) are, without waves.
void begin_again(Document& rollout);
// What an operator wants. Each answers why it cannot be, nullopt if it is done.
std::optional<std::string> pause_rollout(Document& rollout);
std::optional<std::string> resume_rollout(Document& rollout);
// All channels to the version before, at once: it was well in all of them.
std::optional<std::string> roll_back(Document& rollout, WallTime now);

}  // namespace channels
