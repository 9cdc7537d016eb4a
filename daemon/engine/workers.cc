#include "engine/workers.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/errors.h"

namespace channels {

namespace {

// A dead worker's share has to move within 15 s: the time until it counts as dead, and one beat more.
constexpr milliseconds interval_in_company = seconds(2);
constexpr milliseconds dead_after = seconds(8);
// A lone worker beats only so that a new one finds it; until then the two do some work twice.
constexpr milliseconds interval_alone = seconds(5);
// Longer than any pause that a worker comes back from with its work unfinished elsewhere.
constexpr milliseconds forgotten_after = seconds(600);

std::string worker_doc_id(const std::string& id) {
  return "worker-" + id;
}

HandOver left_by(const Document& doc) {
  HandOver left{string_or(doc, "updates_seq", ""), {}};
  if (const json::array* awake = get_array(doc, "awake")) {
    for (const json::value& name : *awake) {
      if (name.is_string()) left.awake.push_back(json::value_to<std::string>(name));
    }
  }
  return left;
}

std::vector<Document> worker_docs(Database& registry) {
  std::vector<Document> docs;
  for (json::object& row :
       registry.all_docs({{"startkey", "worker-"}, {"endkey", "worker-~"}, {"include_docs", true}})) {
    if (json::object* doc = row.contains("doc") ? row["doc"].if_object() : nullptr) docs.push_back(std::move(*doc));
  }
  return docs;
}

// FNV-1a with a final mix (as in MurmurHash3): the same on every machine, and evenly spread.
std::uint64_t score(std::string_view worker, std::string_view database) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto take = [&](std::string_view text) {
    for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  };
  take(worker);
  take("\n");
  take(database);
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

}  // namespace

const std::string& worker_of(std::string_view database, const std::vector<std::string>& members) {
  return *std::max_element(members.begin(), members.end(), [&](const auto& left, const auto& right) {
    return std::pair(score(left, database), left) < std::pair(score(right, database), right);
  });
}

Workers::Workers(Env& env, Log& log, Database registry, std::string id, std::string place)
    : env_(env),
      log_(log),
      registry_(std::move(registry)),
      id_(std::move(id)),
      place_(std::move(place)),
      members_{id_} {}

std::vector<HandOver> Workers::beat(const HandOver& mine, const json::object& status) {
  announce(mine, status, false);
  return look_at_others();
}

void Workers::end(const HandOver& mine) {
  announce(mine, {}, true);
}

void Workers::announce(const HandOver& mine, const json::object& status, bool ended) {
  Document doc{{"_id", worker_doc_id(id_)},
               {"type", "worker"},
               {"beat", ++beats_},
               {"time", format_time(env_.wall_now())},
               {"place", place_},
               {"updates_seq", mine.updates_seq},
               {"awake", json::value_from(mine.awake)},
               {"ended", ended},
               {"status", status}};
  for (int tries = 0; tries < 3; ++tries) {
    doc.erase("_rev");
    if (!rev_.empty()) doc["_rev"] = rev_;
    const Saved saved = registry_.save(doc);
    if (saved.ok()) {
      rev_ = saved.rev;
      return;
    }
    // An answer was lost, or others forgot us while we were paused.
    const auto found = registry_.get(worker_doc_id(id_));
    rev_ = found ? doc_rev(*found) : "";
  }
  throw Unavailable("this worker's document in the registry changes all the time");
}

bool Workers::note(const std::string& id, const Document& doc) {
  const MonoTime now = env_.mono_now();
  const std::string rev = doc_rev(doc);
  const auto [entry, is_new] = others_.try_emplace(id, Other{rev, now, false, false});
  Other& other = entry->second;
  const bool ended = is_true(doc, "ended");
  if (!is_new && other.rev != rev) {
    other = {rev, now, !ended, false};
  } else if (now - other.seen >= dead_after) {
    other.alive = false;
  }
  // A new one may be dead already: what it left is looked at, twice at worst.
  if (!is_new && (other.alive || other.taken_over)) return false;
  if (!is_new && !ended && now - other.seen < dead_after) return false;
  other.taken_over = !is_new;
  return true;
}

std::vector<HandOver> Workers::look_at_others() {
  const std::vector<Document> docs = worker_docs(registry_);
  std::vector<HandOver> left;
  {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> members{id_};
    for (const Document& doc : docs) {
      const std::string id = doc_id(doc).substr(worker_doc_id("").size());
      if (id == id_) continue;
      if (note(id, doc)) left.push_back(left_by(doc));
      if (others_[id].alive) members.push_back(id);
    }
    std::sort(members.begin(), members.end());
    if (members != members_) {
      members_ = std::move(members);
      say_members();
      // Shares moved: what anybody has at hand may be ours now.
      for (const Document& doc : docs) {
        if (doc_id(doc) != worker_doc_id(id_)) left.push_back({"", left_by(doc).awake});
      }
    }
  }
  forget_long_dead(docs);
  return left;
}

void Workers::say_members() {
  log_.info(members_.size() == 1 ? "this worker is alone"
                                 : "workers on this registry: " + std::to_string(members_.size()));
}

void Workers::forget_long_dead(const std::vector<Document>& docs) {
  std::vector<Document> gone;
  {
    const std::lock_guard lock(mutex_);
    for (const Document& doc : docs) {
      const auto found = others_.find(doc_id(doc).substr(worker_doc_id("").size()));
      if (found == others_.end() || env_.mono_now() - found->second.seen < forgotten_after) continue;
      gone.push_back({{"_id", doc.at("_id")}, {"_rev", doc.at("_rev")}, {"_deleted", true}});
      others_.erase(found);
    }
  }
  if (!gone.empty()) registry_.save_all(gone);
}

json::array workers_now(Env& env, Database& registry) {
  std::map<std::string, std::string> first;
  for (const Document& doc : worker_docs(registry)) first[doc_id(doc)] = doc_rev(doc);
  std::vector<Document> docs;
  std::set<std::string> alive;
  std::size_t silent = 0;
  // No less than other workers wait for it: a busy machine's beats come late, and by the workers' own view it is then no less alive.
  const MonoTime until = env.mono_now() + dead_after + seconds(1);
  std::mutex mutex;
  const auto signal = env.make_signal();
  do {
    {
      std::unique_lock lock(mutex);
      signal->wait_until(lock, env.mono_now() + seconds(1));
    }
    docs = worker_docs(registry);
    silent = 0;
    for (const Document& doc : docs) {
      const auto found = first.find(doc_id(doc));
      const bool changed = found == first.end() || found->second != doc_rev(doc);
      if (changed && !is_true(doc, "ended")) alive.insert(doc_id(doc));
      if (!alive.contains(doc_id(doc)) && !is_true(doc, "ended")) ++silent;
    }
  } while (silent > 0 && env.mono_now() < until);
  json::array all;
  for (const Document& doc : docs) {
    const json::object* status = get_object(doc, "status");
    all.push_back(json::object{{"place", string_or(doc, "place", "")},
                               {"alive", alive.contains(doc_id(doc))},
                               {"time", string_or(doc, "time", "")},
                               {"status", status == nullptr ? json::object() : *status}});
  }
  return all;
}

milliseconds Workers::interval() {
  const std::lock_guard lock(mutex_);
  const bool company = std::any_of(others_.begin(), others_.end(), [&](const auto& entry) {
    return entry.second.alive || env_.mono_now() - entry.second.seen < 2 * interval_alone;
  });
  return company ? interval_in_company : interval_alone;
}

bool Workers::is_mine(std::string_view database) {
  const std::lock_guard lock(mutex_);
  return members_.size() == 1 || worker_of(database, members_) == id_;
}

std::size_t Workers::alive() {
  const std::lock_guard lock(mutex_);
  return members_.size();
}

}  // namespace channels
