// What a handler is: code for documents of one type and state. The engine calls it with one document and
// what it needs to talk to CouchDB; it answers with what is to become of that document. A handler
// never saves the document that triggered it (the engine does, in batches); other documents it
// may write, in a way that running it twice equals running it once.
#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/env.h"
#include "base/log.h"
#include "couch/database.h"

namespace channels {

// One call of a handler.
struct Run {
  Env& env;           // for time and chance
  Log& log;           // the daemon's
  Database database;  // where the document lives
  // 1 at the first try of this revision, counted up by each further one.
  int attempt = 1;
  // The same for every attempt at this revision, on every worker: a receiver can drop repeats by it.
  std::string attempt_key;
  // An unsafe handler must be done by then; its lease isn't good for longer.
  MonoTime deadline = MonoTime::max();
  // The document may have more than one leaf (deleted ones count): a handler that cares reads
  // database.leaves(id).
  bool has_branches = false;
};

// The document's next revision: `doc` has the trigger's _id and _rev, usually another state.
struct Save {
  Document doc;  // whole: fields that are left out are gone
  // Other documents of the same database, which go by the same request. Each is saved or not for itself; where one is not
  // (somebody wrote it meanwhile), `doc` is looked at once more in its new state.
  std::vector<Document> beside = {};
  // The rules for all that is saved would answer Keep: their rows need no look, unless somebody else wrote there.
  bool at_rest = false;
};
// Nothing to do: the document is as it should be.
struct Keep {};
// Not yet: the same document is handed out again then, also after a restart.
struct Later {
  WallTime due;  // not before
};
// It did not work, with the reason in one sentence. The engine tries again after `retry_after`, or
// else after a growing delay, and parks the document after too many attempts.
struct Failed {
  std::string reason;                  // for the log and the registry
  std::optional<seconds> retry_after;  // empty: the engine's own delay
};
// Of a run that broke off: nobody can know whether it acted. An unsafe rule's on_lost says what then happens; a safe
// one is run again.
struct Lost {
  std::string reason;  // how it broke off
};
// What a handler answers: one of these.
using Outcome = std::variant<Save, Keep, Later, Failed, Lost>;

// May throw Unavailable or Refused (errors.h), which count as Failed.
using Handler = std::function<Outcome(Run& run, const Document& doc)>;

// Runs a handler, turning Unavailable and Refused into Failed.
Outcome call_handler(const Handler& handler, Run& run, const Document& doc);

}  // namespace channels
