// Which handler is for which document. Workflows fill the tables at start (workflows/all.cc shows
// every rule of the program), the engine looks each change up in them.
//
//   rules.on(Kind::control).safe("channel", "ready", announce);
//   rules.on(Kind::handshake).unsafe("device", "new", send_mail, {.on_lost = OnLost::retry});
//
// A rule belongs to a kind of database: a document of that type in a database of another kind is
// no business of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/handler.h"

namespace channels {

enum class Kind { handshake, control, channel, followed };

// Tells the kind of a database from its name; nullopt: none of ours. Pure.
using KindOf = std::function<std::optional<Kind>(std::string_view database)>;

enum class Mode {
  safe,   // idempotent: may run twice, on two workers at once, and needs no lease
  unsafe  // runs under a lease: never run by two racing workers
};

// What becomes of an unsafe run whose worker was lost between the act and the save, so that
// nobody can tell whether the act happened.
enum class OnLost {
  park,  // keep the state, record it as failed, let a person decide: never twice
  retry  // run again with the same attempt key: the receiver can tell a repeat
};

struct RuleOptions {
  OnLost on_lost = OnLost::park;
  // Limit of one run; for an unsafe rule a lease must have more than this left as it starts.
  milliseconds time_limit = seconds(20);
};

struct Rule {
  std::string name;  // "device/new", for logs and `status`
  Mode mode = Mode::safe;
  Handler handler;
  RuleOptions options;
};

// The rules of one kind of database.
class RuleTable {
 public:
  // "*" as type or state stands for any. A second rule for the same pair is a bug.
  RuleTable& safe(std::string_view type, std::string_view state, Handler handler,
                  RuleOptions options = {});
  RuleTable& unsafe(std::string_view type, std::string_view state, Handler handler,
                    RuleOptions options = {});
  // For deleted documents, which have neither type nor state; gets {_id, _deleted}. Safe.
  RuleTable& deleted(Handler handler);
  // For design documents, deleted ones too, which no other rule gets. Safe.
  RuleTable& design(Handler handler);

  // Look-up order: (type, state); the type's default; (any type, state); the global default.
  // Null if there is none.
  const Rule* find(std::string_view type, std::string_view state) const;
  const Rule* for_deleted() const;
  const Rule* for_design() const;
  // No other document of such a database needs to be read.
  bool is_for_design_only() const { return rules_.empty() && !deleted_; }

 private:
  RuleTable& add(Mode mode, std::string_view type, std::string_view state, Handler handler,
                 RuleOptions options);

  std::map<std::pair<std::string, std::string>, Rule, std::less<>> rules_;
  std::optional<Rule> deleted_;
  std::optional<Rule> design_;
};

class Rules {
 public:
  RuleTable& on(Kind kind) { return tables_[kind]; }
  // Null if the kind has no rules at all: its databases need not be read then.
  const RuleTable* find(Kind kind) const;

 private:
  std::map<Kind, RuleTable> tables_;
};

}  // namespace channels
