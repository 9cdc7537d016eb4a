// A handler program in C++, at the other end of the daemon's pipe (docs/handlers.md), in the words of the built-in workflows:
// Control is the table that they fill, Handler, Run and Outcome are theirs as well.
//
//   channels::Control control;
//   control.safe("order", "new", [](channels::Run&, const channels::Document& doc) -> channels::Outcome {
//     return channels::Save{channels::in_state(doc, "accepted")};
//   });
//   return channels::serve(control);
//
// It is a process of its own and no plug-in of the daemon: what it does wrong ends itself alone, and it needs no daemon of the same build.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/rules.h"

namespace channels {

// safe() and unsafe() add handlers, before serve(). Of RuleOptions on_lost counts; the time limit is the daemon's, `timeout` of
// [channels_handler.NAME].
using Control = RuleTable;

// Registers the handlers and runs them as the daemon hands out documents, each in a thread of its own, until the daemon is gone. To be called once, at the end of
// main(). What is printed goes to the daemon's log: standard output is the protocol's, and is turned to standard error. Answers the exit code
// of main(): 2 if the table has rules that a program cannot have (deleted documents, design documents, conflicts, changes).
//
// A handler that throws has Failed. Later counts as a failed attempt here, as each wait does that goes over the pipe. Run::deadline is where the daemon gives up;
// nothing interrupts a handler before.
int serve(const Control& control);

// What a handler is tried out with, without daemon and server.
struct Trial {
  // Where run.database goes; empty: a request throws Unavailable.
  std::string couchdb_url{};
  std::string database = "test";     // the name that run.database has
  int attempt = 1;                   // 2 and more to see what a handler does when it comes again
  std::string attempt_key = "test";  // as Run::attempt_key
};

// Hands `doc` to the handler of its type and state; nullopt if there is none.
std::optional<Outcome> try_out(const Control& control, const Document& doc, const Trial& trial = {});

}  // namespace channels
