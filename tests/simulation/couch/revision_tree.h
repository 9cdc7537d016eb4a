// One document's revisions, by CouchDB's rules (couch_key_tree, couch_doc): a tree whose leaves are the current
// revisions, one of which every node shows as the winner. ModelDatabase holds one for each document; checkers read it.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "couch/document.h"

namespace channels::simulation {

// "N-hash". 32 hex digits count as the 16 bytes that they stand for, all else as it is: that decides the order.
struct RevId {
  std::uint64_t generation = 0;
  std::string bytes;

  // Empty if it is no rev; CouchDB answers 400 then.
  static std::optional<RevId> parse(std::string_view text);
  // The part behind "N-".
  static std::optional<std::string> parse_hash(std::string_view text);
  std::string hash() const;
  std::string text() const { return std::to_string(generation) + "-" + hash(); }

  auto operator<=>(const RevId&) const = default;
};

class RevisionTree {
 public:
  struct Revision {
    std::optional<RevId> parent;  // none for a root, and where the known history ends
    bool deleted = false;
    // Without _id, _rev, _revisions, _deleted. Null: only its rev is known, or compaction took it.
    std::shared_ptr<const Document> body;
    std::size_t children = 0;
  };
  // What a merge did: extended a leaf (or began the tree), made a branch, or found the revision there already.
  enum class Merged { new_leaf, new_branch, known };

  bool empty() const { return revisions_.empty(); }
  bool has(const RevId& rev) const { return revisions_.contains(rev); }
  const Revision& at(const RevId& rev) const { return revisions_.at(rev); }
  bool is_leaf(const RevId& rev) const;
  // The winner first: not deleted before deleted, then the higher generation, then the higher hash.
  std::vector<RevId> leaves() const;
  RevId winner() const;
  // Every leaf is a deletion.
  bool is_deleted() const;

  // `path`: the revision and its ancestors, the newest first.
  Merged merge(const std::vector<RevId>& path, bool deleted, std::shared_ptr<const Document> body);
  // The same without doing it.
  Merged would_merge(const std::vector<RevId>& path) const;
  // Whether the last merge changed anything at all (an ancestor that was unknown counts).
  bool changed_by_merge() const { return changed_; }

  // Takes away leaves for good, each with its branch up to the next fork. Gives those that were leaves.
  std::vector<RevId> purge(const std::vector<RevId>& revs);
  // Forgets the bodies of all that are no leaves.
  void compact();
  // Forgets what is further than `limit` revisions from every leaf.
  void stem(std::size_t limit);

  // That revision and its known ancestors, the newest first.
  std::vector<RevId> path(const RevId& rev) const;
  const std::map<RevId, Revision>& all() const { return revisions_; }

 private:
  void add(const RevId& rev, const std::optional<RevId>& parent);
  void remove_branch(RevId rev);

  std::map<RevId, Revision> revisions_;
  bool changed_ = false;
};

// {"start": 3, "ids": [...]}
json::object revisions_json(const std::vector<RevId>& path);

}  // namespace channels::simulation
