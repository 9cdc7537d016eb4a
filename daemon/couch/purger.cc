#include "couch/purger.h"

#include <algorithm>
#include <exception>
#include <set>

namespace channels {

void Purger::add(const std::string& id, const std::string& rev) {
  if (revs_ == revs_a_purge || (ids_.size() == ids_a_purge && !ids_.contains(id))) send();
  json::value& revs = ids_[id];
  if (!revs.is_array()) revs = json::array();
  revs.as_array().push_back(json::value(rev));
  ++revs_;
}

void Purger::send() {
  if (ids_.empty()) return;
  database_.purge(ids_);
  ids_.clear();
  revs_ = 0;
}

namespace {

constexpr int couchdbs_own_limit = 1000;
constexpr const char* limit_path = "_purged_infos_limit";
// Of a rev that no document has.
constexpr const char* no_rev = "1-00000000000000000000000000000000";
// An id falls into one of q shards by chance: some q * log(q) ids reach each of them.
constexpr int most_ids_tried = 2000;

// The ranges of hashes that the shards have, "00000000-7fffffff" for example. None where CouchDB has no shards (before 2.0).
std::set<std::string> shards_of(Database& database) {
  const Reply reply = database.server().request("GET", database.path("_shards"), nullptr, {400, 404, 501});
  std::set<std::string> ranges;
  if (reply.status != 200) return ranges;
  if (const json::object* shards = get_object(reply.body.as_object(), "shards")) {
    for (const auto& shard : *shards) ranges.emplace(shard.key());
  }
  return ranges;
}

std::string shard_of(Database& database, const std::string& id) {
  const Reply reply = database.server().request("GET", database.path("_shards/" + id));
  return string_or(reply.body.as_object(), "range", "");
}

}  // namespace

ShortPurgeList::ShortPurgeList(const Database& database) : database_(database) {
  const Reply reply = database_.server().request("GET", database_.path(limit_path), nullptr, {400, 404, 501});
  if (reply.status != 200 || !reply.body.is_int64()) return;
  // 1: one that was cut off left it so.
  usual_ = std::max(static_cast<int>(reply.body.as_int64()), 1);
  if (usual_ == 1) usual_ = couchdbs_own_limit;
  database_.keep_purged_infos(1);
}

void ShortPurgeList::push_out() {
  std::set<std::string> left = shards_of(database_);
  Purger purger(database_);
  for (int tried = 0; !left.empty() && tried < most_ids_tried; ++tried) {
    const std::string id = "nothing-" + std::to_string(tried);
    if (left.erase(shard_of(database_, id)) > 0) purger.add(id, no_rev);
  }
  purger.send();
}

ShortPurgeList::~ShortPurgeList() {
  if (usual_ == 0) return;
  try {
    database_.keep_purged_infos(usual_);
  } catch (const std::exception&) {  // Unavailable or Refused: the next one sets it right
  }
}

}  // namespace channels
