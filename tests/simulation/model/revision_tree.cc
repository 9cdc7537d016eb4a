#include "simulation/model/revision_tree.h"

#include <algorithm>
#include <set>

namespace channels::simulation {

namespace {

constexpr std::size_t revs_limit = 20;

}  // namespace

bool RevisionTree::is_leaf(const std::string& rev) const {
  if (!has(rev)) return false;
  return std::none_of(revisions_.begin(), revisions_.end(),
                      [&](const auto& entry) { return entry.second.parent == rev; });
}

std::vector<std::string> RevisionTree::leaves() const {
  std::set<std::string> parents;
  for (const auto& [rev, revision] : revisions_) parents.insert(revision.parent);
  std::vector<std::string> found;
  for (const auto& [rev, revision] : revisions_) {
    if (!parents.contains(rev)) found.push_back(rev);
  }
  std::sort(found.begin(), found.end(), [&](const std::string& left, const std::string& right) {
    const bool left_deleted = revisions_.at(left).deleted;
    const bool right_deleted = revisions_.at(right).deleted;
    if (left_deleted != right_deleted) return right_deleted;
    return parse_rev(left) > parse_rev(right);
  });
  return found;
}

bool RevisionTree::add(const std::vector<std::string>& history, bool deleted, Document body) {
  const bool is_new = !has(history.front());
  if (is_new) revisions_[history.front()] = {"", deleted, true, std::move(body)};
  for (std::size_t i = 0; i < history.size(); ++i) {
    Revision& revision = revisions_[history[i]];
    if (revision.parent.empty() && i + 1 < history.size()) revision.parent = history[i + 1];
  }
  if (revisions_.size() > 2 * revs_limit) stem();
  return is_new;
}

void RevisionTree::stem() {
  std::map<std::string, Revision> kept;
  for (const std::string& leaf : leaves()) {
    std::string at = leaf;
    for (std::size_t i = 0; i < revs_limit && has(at); ++i) {
      kept[at] = revisions_.at(at);
      at = revisions_.at(at).parent;
    }
  }
  for (auto& [rev, revision] : kept) {
    if (!kept.contains(revision.parent)) revision.parent.clear();
  }
  revisions_ = std::move(kept);
}

void RevisionTree::purge(const std::vector<std::string>& revs) {
  for (std::string rev : revs) {
    while (!rev.empty() && is_leaf(rev)) {
      const std::string parent = revisions_.at(rev).parent;
      revisions_.erase(rev);
      rev = parent;
    }
  }
}

void RevisionTree::compact() {
  for (auto& [rev, revision] : revisions_) {
    if (is_leaf(rev)) continue;
    revision.has_body = false;
    revision.body.clear();
  }
}

json::object RevisionTree::revisions(const std::string& rev) const {
  json::array ids;
  for (std::string at = rev; !at.empty() && has(at); at = revisions_.at(at).parent) ids.emplace_back(parse_rev(at).hash);
  return {{"start", parse_rev(rev).generation}, {"ids", std::move(ids)}};
}

}  // namespace channels::simulation
