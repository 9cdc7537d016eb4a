#include "couch/purger.h"

#include <algorithm>
#include <exception>

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

}  // namespace

ShortPurgeList::ShortPurgeList(Database& database) : database_(database) {
  const Reply reply = database.server().request("GET", database.path(limit_path), nullptr, {400, 404, 501});
  if (reply.status != 200 || !reply.body.is_int64()) return;
  // 1: one that was cut off left it so.
  usual_ = std::max(static_cast<int>(reply.body.as_int64()), 1);
  if (usual_ == 1) usual_ = couchdbs_own_limit;
  database.keep_purged_infos(1);
}

ShortPurgeList::~ShortPurgeList() {
  if (usual_ == 0) return;
  try {
    database_.keep_purged_infos(usual_);
  } catch (const std::exception&) {  // Unavailable or Refused: the next one sets it right
  }
}

}  // namespace channels
