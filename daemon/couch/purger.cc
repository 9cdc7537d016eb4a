#include "couch/purger.h"

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

}  // namespace channels
