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
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/globs.h"
#include "engine/elsewhere.h"
#include "engine/handler.h"
#include "engine/mode.h"

namespace channels {

// What a database is for; `followed` are an app's own (`[channels] follow`, and those that its programs name).
enum class Kind { handshake, control, channel, followed };

// Tells the kind of a database from its name; nullopt: none of ours. Pure.
using KindOf = std::function<std::optional<Kind>(std::string_view database)>;

// What becomes of an unsafe run whose worker was lost between the act and the save, so that
// nobody can tell whether the act happened.
enum class OnLost {
  park,  // keep the state, record it as failed, let a person decide: never twice
  retry  // run again with the same attempt key: the receiver can tell a repeat
};

// What may be said of a rule besides.
struct RuleOptions {
  OnLost on_lost = OnLost::park;  // of an unsafe one
  // Limit of one run; for an unsafe rule a lease must have more than this left as it starts.
  milliseconds time_limit = seconds(20);
  // An unsafe handler acts for the document, whichever its revision: one lease is for all of them, so that a branch
  // that somebody adds during a run does not begin a second one beside it. With OnLost::retry only.
  bool per_document = false;
  // A safe handler that does requests of its own: it is run beside others, and holds up no batch.
  bool slow = false;
};

// What becomes of a document that was changed on two sides. Gets its leaves that are not deleted, at least two, in
// CouchDB's order, the winner first; gives the document to save on top of the winner (same _id and _rev), or nullopt
// to leave the conflict alone. Once the winner says what the resolver wants, the other leaves are deleted: so
// the resolver has to give the winner as it is when everything worth keeping is in it. Pure, so that
// every worker comes to the same (invariant 8).
using Resolver = std::function<std::optional<Document>(const std::vector<Document>& leaves)>;

// Told that something was written to a database whose documents are none of the program's business: what, it reads
// not. `is_news`: the feed has moved; else it is the repeated call that the hook asked for. Gives when to be called
// again, or nullopt once whoever had to know does: until then the checkpoint does not pass the change, so that a restart
// tells it again. May throw as a request does, and is called again then. One call at a time for a database.
using OnChange = std::function<std::optional<MonoTime>(Database& database, bool is_news)>;

// One handler for its type and state.
struct Rule {
  std::string name;        // "device/new", for logs and `status`
  Mode mode = Mode::safe;  // what its author promised
  Handler handler;         // the code
  RuleOptions options;     // as registered
  // Set: it runs there, and `handler` is empty.
  std::shared_ptr<Elsewhere> elsewhere = nullptr;
  // Of another's making, for the same documents: has its turn where this one, a safe one, answered Keep.
  std::shared_ptr<const Rule> extension = nullptr;
};

// The rules of one kind of database.
class RuleTable {
 public:
  // Adds an idempotent handler. "*" as type or state stands for any. A second rule for the same pair is a bug.
  RuleTable& safe(std::string_view type, std::string_view state, Handler handler,
                  RuleOptions options = {});
  // Adds one that must not be run by two racing workers; it runs under a lease.
  RuleTable& unsafe(std::string_view type, std::string_view state, Handler handler,
                    RuleOptions options = {});
  // A rule whose code runs elsewhere; `owner` goes before the pair in its name.
  RuleTable& elsewhere(Mode mode, std::string_view type, std::string_view state, std::string_view owner,
                       std::shared_ptr<Elsewhere> place, RuleOptions options = {});
  // For deleted documents, which have neither type nor state; gets {_id, _deleted}. Safe.
  RuleTable& deleted(Handler handler);
  // For design documents, deleted ones too, which no other rule gets. Safe.
  RuleTable& design(Handler handler);

  // For documents in conflict, before any other rule sees them.
  RuleTable& conflicts(Resolver resolver);
  // For every change, beside all other rules.
  RuleTable& changed(OnChange hook);
  // Look-up order: (type, state); the type's default; (any type, state); the global default.
  // Null if there is none.
  const Rule* find(std::string_view type, std::string_view state) const;
  // Each rule for a pair, in the pairs' order.
  void for_each(const std::function<void(const std::string& type, const std::string& state, const Rule& rule)>& tell) const;
  // Null if there is none, as below.
  const Rule* for_deleted() const;
  // The one for design documents.
  const Rule* for_design() const;
  // Empty if there is none: the winner's rule decides.
  const Resolver& resolver() const { return resolver_; }
  // Empty if nobody wants to know.
  const OnChange& on_change() const { return on_change_; }
  // No other document of such a database needs to be read.
  bool is_for_design_only() const { return rules_.empty() && !deleted_ && !resolver_; }
  // This table with the rules of the others beside its own. Where a rule of its own is for the same documents, it stays
  // and the other becomes its extension.
  RuleTable extended_by(const std::vector<const RuleTable*>& others) const;

 private:
  RuleTable& add(Mode mode, std::string_view type, std::string_view state, Handler handler,
                 RuleOptions options);
  RuleTable& add(std::string_view type, std::string_view state, Rule rule);

  friend class Rules;
  std::map<std::pair<std::string, std::string>, Rule, std::less<>> rules_;
  std::optional<Rule> deleted_;
  std::optional<Rule> design_;
  Resolver resolver_;
  OnChange on_change_;
};

// All rules of a program: a table for each kind of database, and further ones for databases by their names.
class Rules {
 public:
  // The table of a kind, to be filled before the engine starts.
  RuleTable& on(Kind kind) { return tables_[kind]; }
  // Further rules, for databases of any kind by their names. All of them come before the first find().
  RuleTable& on(Globs databases);
  // Null if the kind has no rules at all: its databases need not be read then.
  const RuleTable* find(Kind kind) const;
  // The same with the rules for this database's name.
  const RuleTable* find(Kind kind, std::string_view database) const;
  // Where code of these rules runs, each once.
  std::vector<std::shared_ptr<Elsewhere>> elsewheres() const;

 private:
  struct ByName {
    Globs databases;
    RuleTable table;
  };
  // Tables put together for databases that the same of by_name_ match.
  struct Extended {
    std::mutex mutex;
    std::map<std::pair<Kind, std::vector<std::size_t>>, RuleTable> tables;  // guarded by mutex
  };

  std::map<Kind, RuleTable> tables_;
  std::vector<std::unique_ptr<ByName>> by_name_;
  std::unique_ptr<Extended> extended_ = std::make_unique<Extended>();
};

}  // namespace channels
