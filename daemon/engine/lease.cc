#include "engine/lease.h"

#include <utility>

#include "base/digest.h"
#include "base/mutation.h"

namespace channels {

namespace {

// A run of this worker at the same revision is under way: it ends soon or its lease does.
constexpr milliseconds running_here_wait = seconds(1);

Document tombstone(const std::string& key, const std::string& rev) {
  return {{"_id", lease_id(key)}, {"_rev", rev}, {"_deleted", true}};
}

}  // namespace

std::string lease_id(const std::string& key) {
  return "lease-" + key;
}

std::string lease_key(const LeaseSubject& subject) {
  return sha256_hex(subject.database + "\n" + subject.id + "\n" + subject.rev);
}

Leases::Leases(Env& env, Log& log, Database registry, seconds duration, std::string worker)
    : env_(env), log_(log), registry_(std::move(registry)), duration_(duration), worker_(std::move(worker)) {}

// --- taking ------------------------------------------------------------------------------------

Leases::Claim Leases::claim(const LeaseSubject& subject) {
  Claim claim{lease_key(subject), {}, false, false};
  int attempt = 1;
  std::string rev;
  const std::lock_guard lock(mutex_);
  const auto own = own_.find(claim.key);
  const auto watched = watches_.find(claim.key);
  if (own != own_.end()) {
    // A run that was never released (its database was deleted meanwhile, say) is over with its lease, and lost.
    const bool is_over = env_.mono_now() >= own->second.until;
    claim.running = own->second.running && !is_over;
    claim.lost_run = own->second.lost_run || (own->second.running && is_over);
    rev = own->second.rev;
    attempt = own->second.attempt;
  } else if (watched != watches_.end() &&
             (env_.mono_now() - watched->second.since >= duration_ || mutant("takeover-at-once"))) {
    claim.lost_run = true;
    rev = watched->second.rev;
    attempt = watched->second.attempt + 1;
  }
  claim.doc = {{"_id", lease_id(claim.key)},
               {"type", "lease"},
               {"worker", worker_},
               {"attempt", attempt},
               {"taken_at", format_time(env_.wall_now())}};
  if (claim.lost_run) claim.doc["lost_run"] = true;
  if (!rev.empty()) claim.doc["_rev"] = rev;
  return claim;
}

std::vector<Saved> Leases::save(const std::vector<Claim>& claims) {
  std::vector<Document> docs;
  for (const Claim& claim : claims) {
    if (!claim.running) docs.push_back(claim.doc);
  }
  std::vector<Saved> saved = registry_.save_all(docs);
  std::vector<Saved> results;
  auto next = saved.begin();
  for (const Claim& claim : claims) results.push_back(claim.running ? Saved{} : std::move(*next++));
  return results;
}

void Leases::won(const Claim& claim, const std::string& rev, MonoTime until) {
  const std::lock_guard lock(mutex_);
  watches_.erase(claim.key);
  own_[claim.key] = {rev, static_cast<int>(int_or(claim.doc, "attempt", 1)), true, claim.lost_run, until};
}

// A tombstone would hide that a run was lost. It stays, and is tried again.
void Leases::keep_lost(const Claim& claim, const std::string& rev) {
  const std::lock_guard lock(mutex_);
  watches_.erase(claim.key);
  own_[claim.key] = {rev, static_cast<int>(int_or(claim.doc, "attempt", 1)), false, true, env_.mono_now()};
}

void Leases::not_begun(const std::vector<TakenLease>& taken) {
  const std::lock_guard lock(mutex_);
  for (const TakenLease& each : taken) {
    if (each.lease) own_[each.lease->key].running = false;
  }
}

std::vector<TakenLease> Leases::take(const std::vector<LeaseSubject>& subjects) {
  std::vector<Claim> claims;
  std::vector<std::string> keys;
  for (const LeaseSubject& subject : subjects) {
    claims.push_back(claim(subject));
    keys.push_back(claims.back().key);
  }
  // Counted from before the request: the others' watch begins when they see it, which is later.
  const MonoTime until = env_.mono_now() + duration_;
  const std::vector<Saved> saved = save(claims);

  std::vector<TakenLease> results(claims.size());
  std::vector<std::size_t> held;
  std::vector<Document> accepted;
  bool below_quorum = false;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const bool is_won = saved[i].outcome == Saved::Outcome::saved ||
                        (saved[i].outcome == Saved::Outcome::accepted && mutant("accepted-counts-as-won"));
    if (claims[i].running) {
      results[i].look_again = env_.mono_now() + running_here_wait;
    } else if (is_won) {
      won(claims[i], saved[i].rev, until);
      results[i].lease = Lease{keys[i], saved[i].rev, static_cast<int>(int_or(claims[i].doc, "attempt", 1)),
                               until, claims[i].lost_run};
    } else if (saved[i].outcome == Saved::Outcome::accepted) {
      if (claims[i].lost_run) {
        keep_lost(claims[i], saved[i].rev);
      } else {
        accepted.push_back(tombstone(keys[i], saved[i].rev));
      }
      below_quorum = true;
      results[i].look_again =
          env_.mono_now() + milliseconds(500 + static_cast<int>(1000 * env_.random_unit()));
    } else {
      held.push_back(i);
    }
  }
  note_quorum(!below_quorum);
  try {
    withdraw(accepted);
    watch(keys, held, results);
  } catch (...) {
    not_begun(results);
    throw;
  }
  return results;
}

// Nobody can know who won: whoever got a 202 takes back his revision and tries later.
void Leases::withdraw(const std::vector<Document>& accepted) {
  if (!accepted.empty()) registry_.save_all(accepted);
}

void Leases::watch(const std::vector<std::string>& keys, const std::vector<std::size_t>& places,
                   std::vector<TakenLease>& results) {
  std::vector<std::string> ids;
  for (const std::size_t place : places) ids.push_back(lease_id(keys[place]));
  const auto found = registry_.get_many(ids);
  const std::lock_guard lock(mutex_);
  const MonoTime now = env_.mono_now();
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::string& key = keys[places[i]];
    own_.erase(key);  // what we knew of it was not so: below is what it is
    if (!found[i]) {  // released just now
      watches_.erase(key);
      results[places[i]].look_again = now + milliseconds(100);
      continue;
    }
    if (is_true(*found[i], "parked")) {
      watches_.erase(key);
      results[places[i]].parked = true;
      continue;
    }
    const std::string rev = doc_rev(*found[i]);
    const int attempt = static_cast<int>(int_or(*found[i], "attempt", 1));
    if (string_or(*found[i], "worker", "") == worker_) {
      // Ours, by a request whose answer was lost: no run began with it.
      own_[key] = {rev, attempt, false, is_true(*found[i], "lost_run"), now};
      results[places[i]].look_again = now;
      continue;
    }
    Watch& seen = watches_[key];
    if (seen.rev != rev) seen = {rev, attempt, now};
    results[places[i]].look_again = seen.since + duration_;
  }
}

void Leases::note_quorum(bool quorum) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(quorum_, quorum) == quorum) return;
  log_.info(quorum ? "the registry has its quorum again: unsafe runs go on"
                   : "fewer copies of the registry answer than a quorum: no unsafe run starts until they do");
}

bool Leases::has_quorum() {
  const std::lock_guard lock(mutex_);
  return quorum_;
}

// --- holding and releasing ---------------------------------------------------------------------

int Leases::copies() {
  {
    const std::lock_guard lock(mutex_);
    if (copies_ > 0) return copies_;
  }
  const int found = registry_.copies();
  const std::lock_guard lock(mutex_);
  return copies_ = found;
}

// A race on a cluster may leave the loser's revision beside ours, even as winner.
bool Leases::remove_branches(const Lease& lease) {
  bool ours = false;
  std::vector<Document> others;
  for (const Document& leaf : registry_.leaves(lease_id(lease.key))) {
    if (doc_rev(leaf) == lease.rev) {
      ours = !is_deleted(leaf);
    } else if (!is_deleted(leaf)) {
      others.push_back(tombstone(lease.key, doc_rev(leaf)));
    }
  }
  if (ours) registry_.save_all(others);
  return ours;
}

bool Leases::still_ours(const Lease& lease) {
  const int all = copies();
  if (all > 1 && !remove_branches(lease)) return false;
  const auto found = registry_.get(lease_id(lease.key), all);
  return found && doc_rev(*found) == lease.rev && string_or(*found, "worker", "") == worker_;
}

void Leases::park(const std::vector<Lease>& leases) {
  if (leases.empty()) return;
  std::vector<Document> docs;
  for (const Lease& lease : leases)
    docs.push_back({{"_id", lease_id(lease.key)},
                    {"_rev", lease.rev},
                    {"type", "lease"},
                    {"worker", worker_},
                    {"attempt", lease.attempt},
                    {"taken_at", format_time(env_.wall_now())},
                    {"lost_run", true},
                    {"parked", true}});
  registry_.save_all(docs);  // a conflict: another worker took it over meanwhile, and parks it as well
  const std::lock_guard lock(mutex_);
  for (const Lease& lease : leases) own_.erase(lease.key);
}

void Leases::release(const std::vector<Lease>& leases) {
  std::vector<Document> docs;
  {
    const std::lock_guard lock(mutex_);
    for (const Lease& lease : leases) {
      const auto own = own_.find(lease.key);
      if (own == own_.end() || own->second.rev != lease.rev) continue;
      own->second.running = own->second.lost_run = false;
    }
    for (const auto& [key, own] : own_) {
      // One of a lost run has to say so until it was looked at.
      if (!own.running && !own.lost_run) docs.push_back(tombstone(key, own.rev));
    }
  }
  if (docs.empty()) return;
  try {
    registry_.save_all(docs);
  } catch (const std::exception& down) {  // Unavailable or Refused
    log_.debug("leases are released later: " + std::string(down.what()));
    return;
  }
  const std::lock_guard lock(mutex_);
  for (const Document& doc : docs) {
    const auto own = own_.find(doc_id(doc).substr(lease_id("").size()));
    if (own != own_.end() && own->second.rev == doc_rev(doc) && !own->second.running) own_.erase(own);
  }
}

}  // namespace channels
