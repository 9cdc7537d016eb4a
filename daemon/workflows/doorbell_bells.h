// Whose doorbell is to be rung for which channels, and when each may be rung again: the memory of doorbell.cc, which
// makes of many changes one write. Bounded by what changed in the last seconds; lost with the program, and then nothing
// is lost (doorbell.h). Pure but for its lock.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"

namespace channels {

class Bells {
 public:
  // The channel changed, and this user is to know.
  void want(const std::string& user, const std::string& channel);
  // Who does not know yet that the channel changed.
  std::vector<std::string> waiting_for(const std::string& channel);

  // Either channels, to be written into the user's doorbell now by the caller, who calls ended() in any case; or when to
  // try again: it was rung a moment ago, or another thread is at it. Nothing of both: there is nothing to be told.
  struct Ring {
    std::set<std::string> channels;
    std::optional<MonoTime> later;
  };
  Ring begin(const std::string& user, MonoTime now);
  // `told`: begin's channels are written; else they are still to be told. Not to be rung again before `next`.
  void ended(const std::string& user, bool told, MonoTime now, MonoTime next);

 private:
  struct Bell {
    std::set<std::string> wanted;
    std::set<std::string> ringing;  // being written; a change meanwhile is wanted anew
    MonoTime next{};
  };

  void told_of(const std::string& user, const std::string& channel);
  void forget_quiet(MonoTime now);

  std::mutex mutex_;
  std::map<std::string, Bell> bells_;                     // by user; guarded by mutex_
  std::map<std::string, std::set<std::string>> waiting_;  // users by channel; guarded by mutex_
  std::deque<std::pair<MonoTime, std::string>> quiet_at_;  // when a bell may be forgotten; guarded by mutex_
};

}  // namespace channels
