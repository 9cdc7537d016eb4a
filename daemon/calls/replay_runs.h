// Hands the documents of one database to a handler program, each once, and waits for what it answers: the middle part of `replay`.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/env.h"
#include "couch/database.h"
#include "engine/rules.h"

namespace channels {

struct ReplayedDocuments {
  std::string type;   // only these; empty: of any type
  std::string state;  // and so is this
};

class ReplayRuns {
 public:
  // Told of each run's end, one at a time. `outcome` is Save, Keep, Failed or Lost.
  using Told = std::function<void(const Document& doc, const Rule& rule, const Outcome& outcome)>;

  // `rules`: of the program, which run elsewhere.
  ReplayRuns(Env& env, Database database, const RuleTable& rules, Told told);

  // Documents that no rule is for are counted only. Returns when all have ended.
  void run(const ReplayedDocuments& which);
  std::size_t without_rule() const { return without_rule_; }

 private:
  void begin(const Document& doc);
  void hand(const Document& doc, const Rule& rule, int tries);
  void ended(const Document& doc, const Rule& rule, int tries, const std::optional<Outcome>& outcome);
  void await(std::size_t most_running);

  struct PutOff {
    Document doc;
    const Rule* rule;
    int tries;
  };

  Env& env_;
  Database database_;
  const RuleTable& rules_;
  const Told told_;
  std::size_t without_rule_ = 0;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  std::size_t running_ = 0;       // guarded by mutex_
  std::vector<PutOff> put_off_;  // the program was not there; guarded by mutex_
};

}  // namespace channels
