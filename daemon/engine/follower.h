// Follows one database's feed: the path of one change, from feed to save, is turn(). The pool's threads call
// it, one at a time per database; it does one bounded piece of work and says when it wants to be
// called again.
//
//   follower.cc           read _changes, and what waited
//   follower_running.cc   settle conflicts, match each document to a rule, run the safe ones, lease and hand out the
//                         unsafe ones
//   follower_saving.cc    save all outcomes by one _bulk_docs (two, if they are many); a 409 means someone was faster: read
//                         again, match again
//   follower_settling.cc  settle, park, put off, and move the checkpoint
//
// Exceptions of the server's own trouble (Unavailable, Refused) leave turn(); nothing is lost by
// that, the next turn goes on where this one ended.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/backoff.h"
#include "engine/batch_size.h"
#include "engine/echoes.h"
#include "engine/lanes.h"
#include "engine/read_ahead.h"
#include "engine/records.h"
#include "engine/rules.h"
#include "engine/runners.h"
#include "engine/trace.h"
#include "engine/unsettled.h"
#include "engine/verdicts.h"

namespace channels {

// What all followers share.
struct Workbench {
  Env& env;
  Log& log;
  Server& server;
  Records& records;
  Leases& leases;
  Lanes& lanes;
  ReadAhead& read_ahead;
  Aside& saving;
  std::size_t split_from;  // documents: a larger batch is saved by two requests at once
  Trace& trace;
  // Goes up when a connection to the server was lost: it may be back with other data (local_mark.h).
  std::atomic<std::uint64_t>& losses;
  // Calls this database's follower again, now.
  std::function<void(const std::string& database)> wake;
};

class Follower : public std::enable_shared_from_this<Follower> {
 public:
  // `start` is where the registry says to go on, `design_version` what the database's design document is now.
  Follower(Workbench& bench, std::string database, const RuleTable& rules, const CheckpointRecord& start,
           int design_version);

  struct Turn {
    // When it wants the next turn; empty: when something happens.
    std::optional<MonoTime> next;
    // It found rows: the database is in use.
    bool active = false;
  };
  // `has_rows`: the feed is to be read; else only if something is left to read there.
  Turn turn(bool has_rows);
  // Saves the results of ended runs and does nothing else: the last call, at the engine's end.
  void finish();
  // What the program itself put into the database when it made it.
  void knows(const std::vector<Saved>& saved);
  // From the registry: look at these documents again.
  void revisit(const std::vector<Revisit>& revisits);
  // From the sweep: its update_seq has gone back behind what was read, so it is an older copy, or on a cluster may be.
  // Asks the server.
  void went_back();

  // Where a long-poll would start, after a turn that read all there was.
  std::string position();
  // Nothing unsettled: it can be forgotten, the checkpoint says all.
  bool asleep();
  // Rows of its own saves are due: a hint says nothing new, most likely.
  bool expects_echoes();
  // No run is under way: it can be forgotten, another worker goes on from the checkpoint.
  bool may_be_dropped();
  std::map<std::string, int> backlog();

 private:
  // A run ended, on a runner's thread.
  void run_finished(const std::string& id, std::optional<Outcome> outcome);

  // Each of these is one step of a turn.
  void start_over_if_restored();
  bool is_to_be_checked();
  void start_over();
  void go_on_from(const CheckpointRecord& registered);
  void collect_finished(Verdicts& verdicts);
  std::size_t read_rows();
  void tell_of_change();
  void load_woken();
  void run_ready(Verdicts& verdicts);
  void save(Verdicts& verdicts);
  void conclude(Verdicts& verdicts, bool is_last = false);
  void await_runners();

  Database::ChangesQuery next_query();
  Changes read(Database::ChangesQuery& query);
  void start_reading_ahead();
  std::size_t take_rows(Changes& changes, const Database::ChangesQuery& query);
  void note_news(const Changes& changes, const Database::ChangesQuery& query, std::size_t of_others);
  void load(const std::vector<std::string>& ids);
  std::vector<Item*> without_conflicts(Verdicts& verdicts, const std::vector<Item*>& ready);
  bool settle_conflict(Verdicts& verdicts, Item& item);
  const Rule* rule_for(std::string_view id, bool deleted, const Document& doc) const;
  // A worker was lost during its run, and its rule leaves what then happens to a person.
  static bool is_lost_for_good(const Item& item);
  Outcome run_safe(Item& item, const Rule& rule);
  LeaseSubject lease_subject(const Item& item) const;
  void hand_out(Verdicts& verdicts, Lane lane, const std::vector<Item*>& items);
  void hand_to_runner(Item& item, Lane lane, const std::optional<Lease>& lease);
  // Its rule had nothing to do: the rule's extension has its turn, if there is one.
  bool goes_on(Item& item, const Outcome& outcome);
  void ended(Verdicts& verdicts, Item& item, Outcome outcome);
  Document next_mark();
  void mark_saved();
  bool after_saving_beside(const Verdicts::ToSave& entry, std::span<const Saved> saved);
  void expect_echo(const Document& doc, const Saved& saved, bool is_at_rest);
  void after_save(Verdicts& verdicts, Item& item, const Document& doc, const Saved& saved, bool is_at_rest = false);
  void save_rebased(Verdicts& verdicts, const std::vector<Item*>& overtaken);
  void failed(Verdicts& verdicts, Item& item, const Failed& failure);
  void trace(const Item& item, TraceLine::Outcome outcome, std::string detail = {});
  std::vector<Revisit> sort_waits(Verdicts& verdicts);
  void settle_or_look_again(Item& item);
  bool is_passed_soon(bool has_saved);
  void put_checkpoint(bool has_saved);

  Workbench& bench_;
  Database database_;
  const RuleTable& rules_;
  std::mutex mutex_;  // guards items_ and all Items, never held during a request
  Unsettled items_;
  const int design_version_;
  CheckpointRecord put_;     // what the registry has, or will have
  std::int64_t counter_;     // of the last mark
  std::string life_;         // of the database, as the mark has it
  bool unmarked_ = false;    // rows of others were read since the last mark
  // The losses at which the mark was last looked at.
  std::optional<std::uint64_t> checked_at_;
  bool went_back_ = false;
  static constexpr int most_suspicions = 1 << 16;
  int suspicions_ = 0;  // on a cluster, since one was believed
  int believed_suspicions_ = 1;
  bool more_to_read_ = true;  // a read that failed, or that the limit cut off
  bool only_echoes_left_ = false;
  // The feed has moved, and the rules' hook wants to be called (again) then; guarded by mutex_.
  std::optional<MonoTime> tell_at_;
  bool has_news_ = false;  // since its last call
  BatchSize batch_;
  Echoes echoes_;  // guarded by mutex_
  std::optional<MonoTime> passed_over_since_;  // a checkpoint was not written then, or any since
  std::shared_ptr<ReadAhead::Batch> ahead_;
};

}  // namespace channels
