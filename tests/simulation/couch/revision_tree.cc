#include "simulation/couch/revision_tree.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/digest.h"

namespace channels::simulation {

namespace {

constexpr std::size_t hash_bytes = 16;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> RevId::parse_hash(std::string_view text) {
  if (text.size() != 2 * hash_bytes) return std::string(text);
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::optional<RevId> RevId::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  RevId rev;
  const auto number = std::from_chars(text.data(), text.data() + dash, rev.generation);
  if (number.ec != std::errc() || number.ptr != text.data() + dash) return std::nullopt;
  auto hash = parse_hash(text.substr(dash + 1));
  if (!hash) return std::nullopt;
  rev.bytes = std::move(*hash);
  return rev;
}

std::string RevId::hash() const {
  return bytes.size() == hash_bytes ? hex(bytes) : bytes;
}

bool RevisionTree::is_leaf(const RevId& rev) const {
  const auto found = revisions_.find(rev);
  return found != revisions_.end() && found->second.children == 0;
}

std::vector<RevId> RevisionTree::leaves() const {
  std::vector<RevId> deleted;
  std::vector<RevId> found;
  for (auto at = revisions_.rbegin(); at != revisions_.rend(); ++at) {
    if (at->second.children == 0) (at->second.deleted ? deleted : found).push_back(at->first);
  }
  found.insert(found.end(), deleted.begin(), deleted.end());
  return found;
}

RevId RevisionTree::winner() const {
  const RevId* best_deleted = nullptr;
  for (auto at = revisions_.rbegin(); at != revisions_.rend(); ++at) {
    if (at->second.children != 0) continue;
    if (!at->second.deleted) return at->first;
    if (best_deleted == nullptr) best_deleted = &at->first;
  }
  return best_deleted == nullptr ? RevId() : *best_deleted;
}

bool RevisionTree::is_deleted() const {
  return std::all_of(revisions_.begin(), revisions_.end(),
                     [](const auto& entry) { return entry.second.children > 0 || entry.second.deleted; });
}

RevisionTree::Merged RevisionTree::would_merge(const std::vector<RevId>& path) const {
  if (empty()) return Merged::new_leaf;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto found = revisions_.find(path[i]);
    if (found == revisions_.end()) continue;
    if (i == 0) return Merged::known;
    return found->second.children == 0 ? Merged::new_leaf : Merged::new_branch;
  }
  return Merged::new_branch;
}

RevisionTree::Merged RevisionTree::merge(const std::vector<RevId>& path, bool deleted,
                                         std::shared_ptr<const Document> body) {
  const Merged merged = would_merge(path);
  changed_ = false;
  for (std::size_t i = path.size(); i-- > 0;)
    add(path[i], i + 1 < path.size() ? std::optional(path[i + 1]) : std::nullopt);
  Revision& revision = revisions_.at(path.front());
  if (merged != Merged::known) {
    revision.deleted = deleted;
    revision.body = std::move(body);
  } else if (!revision.body) {
    // Known by its rev alone till now.
    revision.deleted = deleted;
    revision.body = std::move(body);
    changed_ = true;
  }
  return merged;
}

void RevisionTree::add(const RevId& rev, const std::optional<RevId>& parent) {
  const auto [at, is_new] = revisions_.try_emplace(rev);
  const bool adopts = parent && !at->second.parent;
  if (adopts) {
    at->second.parent = parent;
    ++revisions_.at(*parent).children;
  }
  changed_ = changed_ || is_new || adopts;
}

void RevisionTree::remove_branch(RevId rev) {
  for (auto found = revisions_.find(rev); found != revisions_.end() && found->second.children == 0;
       found = revisions_.find(rev)) {
    const std::optional<RevId> parent = found->second.parent;
    revisions_.erase(found);
    if (!parent || !has(*parent)) return;
    --revisions_.at(*parent).children;
    rev = *parent;
  }
}

std::vector<RevId> RevisionTree::purge(const std::vector<RevId>& revs) {
  std::vector<RevId> purged;
  for (const RevId& rev : revs) {
    if (is_leaf(rev)) purged.push_back(rev);
  }
  // Only those that were leaves before: their ancestors go with them, not by name.
  for (const RevId& rev : purged) remove_branch(rev);
  return purged;
}

void RevisionTree::compact() {
  for (auto& [rev, revision] : revisions_) {
    if (revision.children > 0) revision.body.reset();
  }
}

void RevisionTree::stem(std::size_t limit) {
  if (revisions_.size() <= limit) return;
  std::set<RevId> kept;
  for (const RevId& leaf : leaves()) {
    std::vector<RevId> whole = path(leaf);
    if (whole.size() > limit) whole.resize(limit);
    kept.insert(whole.begin(), whole.end());
  }
  std::erase_if(revisions_, [&](const auto& entry) { return !kept.contains(entry.first); });
  for (auto& [rev, revision] : revisions_) {
    if (revision.parent && !kept.contains(*revision.parent)) revision.parent.reset();
  }
}

std::vector<RevId> RevisionTree::path(const RevId& rev) const {
  std::vector<RevId> found;
  for (std::optional<RevId> at = rev; at && has(*at); at = revisions_.at(*at).parent) found.push_back(*at);
  return found;
}

json::object revisions_json(const std::vector<RevId>& path) {
  json::array ids;
  for (const RevId& rev : path) ids.emplace_back(rev.hash());
  return {{"start", path.empty() ? 0 : path.front().generation}, {"ids", std::move(ids)}};
}

}  // namespace channels::simulation
