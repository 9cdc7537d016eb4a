#include "engine/lease.h"

#include "base/digest.h"

namespace channels {

namespace {

std::string lease_id(const std::string& key) {
  return "lease-" + key;
}

}  // namespace

std::string lease_key(const LeaseSubject& subject) {
  return sha256_hex(subject.database + "\n" + subject.id + "\n" + subject.rev);
}

Leases::Leases(Env& env, Database registry, seconds duration, std::string worker)
    : env_(env), registry_(std::move(registry)), duration_(duration), worker_(std::move(worker)) {}

Document Leases::document(const std::string& key, const std::optional<Watch>& taken_over) {
  Document doc{{"_id", lease_id(key)},
               {"type", "lease"},
               {"worker", worker_},
               {"attempt", taken_over ? taken_over->attempt + 1 : 1},
               {"taken_at", format_time(env_.wall_now())}};
  if (taken_over) doc["_rev"] = taken_over->rev;
  return doc;
}

std::optional<Leases::Watch> Leases::ripe_watch(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = watches_.find(key);
  if (found == watches_.end() || env_.mono_now() - found->second.since < duration_)
    return std::nullopt;
  return found->second;
}

std::vector<TakenLease> Leases::take(const std::vector<LeaseSubject>& subjects) {
  std::vector<std::string> keys;
  std::vector<Document> docs;
  std::vector<bool> takes_over;
  for (const LeaseSubject& subject : subjects) {
    keys.push_back(lease_key(subject));
    const std::optional<Watch> ripe = ripe_watch(keys.back());
    takes_over.push_back(ripe.has_value());
    docs.push_back(document(keys.back(), ripe));
  }
  // Counted from before the request: the others' watch begins when they see it, which is later.
  const MonoTime until = env_.mono_now() + duration_;
  const std::vector<Saved> saved = registry_.save_all(docs);

  std::vector<TakenLease> results(subjects.size());
  std::vector<std::size_t> held;
  std::vector<Document> accepted;
  for (std::size_t i = 0; i < saved.size(); ++i) {
    if (saved[i].outcome == Saved::Outcome::saved) {
      results[i].lease = Lease{keys[i], saved[i].rev,
                               static_cast<int>(int_or(docs[i], "attempt", 1)), until,
                               takes_over[i]};
      const std::lock_guard lock(mutex_);
      watches_.erase(keys[i]);
    } else if (saved[i].outcome == Saved::Outcome::accepted) {
      accepted.push_back({{"_id", lease_id(keys[i])}, {"_rev", saved[i].rev}, {"_deleted", true}});
      results[i].look_again = env_.mono_now() + milliseconds(500 + static_cast<int>(
                                                                       1000 * env_.random_unit()));
    } else {
      held.push_back(i);
    }
  }
  withdraw(accepted);
  watch(keys, held, results);
  return results;
}

// Below quorum nobody can know who won: everyone takes back his revision and tries later.
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
    if (!found[i]) {  // released just now
      watches_.erase(key);
      results[places[i]].look_again = now + milliseconds(100);
      continue;
    }
    Watch& seen = watches_[key];
    if (seen.rev != doc_rev(*found[i]))
      seen = {doc_rev(*found[i]), static_cast<int>(int_or(*found[i], "attempt", 1)), now};
    results[places[i]].look_again = seen.since + duration_;
  }
}

bool Leases::still_ours(const Lease& lease) {
  const auto found = registry_.get(lease_id(lease.key));
  return found && doc_rev(*found) == lease.rev && string_or(*found, "worker", "") == worker_;
}

void Leases::release(const std::vector<Lease>& leases) {
  std::vector<Document> docs;
  for (const Lease& lease : leases)
    docs.push_back({{"_id", lease_id(lease.key)}, {"_rev", lease.rev}, {"_deleted", true}});
  registry_.save_all(docs);
}

}  // namespace channels
