// Where a rule's code runs if not on the engine's threads: a program at the other end of a pipe (daemon/programs). The
// engine begins a run and is told of its end by a callback, so that no thread waits for it. Implemented by
// Program; called by Runners.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/handler.h"
#include "engine/mode.h"

namespace channels {

// Such a place. Safe to call from any thread.
class Elsewhere {
 public:
  // One run that is handed to it, with what Run has for one here.
  struct Task {
    std::string database;     // the name of the document's
    Document doc;             // as it was found
    Mode mode = Mode::safe;   // the rule's
    int attempt = 1;          // as Run::attempt
    std::string attempt_key;  // as Run::attempt_key
    // An unsafe run that has not begun by then must not begin any more: its lease could end before it does.
    MonoTime latest_start = MonoTime::max();
  };
  // Called once, from any thread, also from within begin(). Empty: it was not begun, and is to be handed out again.
  using Ended = std::function<void(std::optional<Outcome>)>;

  virtual ~Elsewhere() = default;

  // How many runs of that mode it takes at once, those that it keeps waiting included. Always the same.
  virtual std::size_t places(Mode mode) const = 0;
  // Returns at once. What is given back is valid for the engine: Save has the document's own _id and _rev.
  virtual void begin(Task task, Ended ended) = 0;
};

}  // namespace channels
