// Databases that handlers of this program make, so that the engine spares itself the look at what it knows already: until one is
// ready, and its hints are over, it is left alone; then it is looked at once, and its first rows are known to be nobody else's.
// Whoever makes one holds a Making meanwhile. Nothing here has to outlive the program: what it forgets is looked at as any other
// database is.
//
// Thread-safe; memory bounded by what is under way, and by most_known.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "couch/database.h"

namespace channels {

class NewDatabases {
 public:
  // One database on its way. Ends with the object; the engine then looks at the database.
  class Making {
   public:
    Making(NewDatabases& all, std::string database);
    ~Making();
    Making(const Making&) = delete;
    Making& operator=(const Making&) = delete;
    // It was made by this run, and these are all documents that it holds now. Before anybody else can know of it.
    void holds(const std::vector<Saved>& saved) { saved_ = saved; }

   private:
    NewDatabases& all_;
    const std::string database_;
    std::vector<Saved> saved_;
  };

  explicit NewDatabases(Env& env) : env_(env) {}

  // --- the engine's part ---

  // Called with each one that has been made, or given up, until stop_telling(). What was made before counts as any other.
  void tell(std::function<void(const std::string& database)> ended);
  void stop_telling();
  // It is being made, or was a moment ago and nobody has looked at it: hints about it say nothing.
  bool is_left_alone(std::string_view database);
  // It was made a moment ago, and nobody has looked at it.
  bool is_new(std::string_view database);
  // What its maker put there; once.
  std::vector<Saved> take(const std::string& database);

 private:
  static constexpr std::size_t most_known = 1000;
  // After that it is looked at when somebody hears of it.
  static constexpr seconds longest_new{10};
  struct New {
    std::vector<Saved> saved;
    MonoTime until;
  };

  void begin(const std::string& database);
  void end(const std::string& database, std::vector<Saved> saved);

  Env& env_;
  std::mutex mutex_;
  std::multiset<std::string, std::less<>> being_made_;  // guarded by mutex_
  std::map<std::string, New, std::less<>> new_;         // guarded by mutex_
  // Not called under mutex_, which it needs for its own questions.
  std::mutex telling_;
  std::function<void(const std::string& database)> tell_;  // guarded by telling_
};

}  // namespace channels
