// One document's revisions, by CouchDB's rules: a tree whose leaves are the current revisions, of which a deterministic
// winner is shown. ModelDatabase holds one for each document.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "couch/document.h"

namespace channels::simulation {

class RevisionTree {
 public:
  struct Revision {
    std::string parent;  // "" for a root, or where the history ends
    bool deleted = false;
    bool has_body = false;
    Document body;       // without _id, _rev, _revisions, _deleted
  };

  // Leaves, the winner first: not deleted before deleted, then by generation, then by hash (couch_doc:to_doc_info).
  std::vector<std::string> leaves() const;
  bool empty() const { return revisions_.empty(); }
  std::string winner() const { return empty() ? "" : leaves().front(); }
  bool winner_deleted() const { return empty() || revisions_.at(winner()).deleted; }
  bool has(const std::string& rev) const { return revisions_.contains(rev); }
  bool is_leaf(const std::string& rev) const;
  const Revision& at(const std::string& rev) const { return revisions_.at(rev); }

  // Adds a revision with its ancestors, the newest first; those that are known already are left as they are.
  // False if the revision itself was known.
  bool add(const std::vector<std::string>& history, bool deleted, Document body);
  // Removes leaves for good, with their ancestors that no other leaf needs.
  void purge(const std::vector<std::string>& revs);
  // Forgets the bodies of all that are no leaves.
  void compact();

  // Forgets ancestors beyond the limit (CouchDB's revs_limit, lower here).
  void stem();

  // {"start": 3, "ids": [...]}, from that revision to its root.
  json::object revisions(const std::string& rev) const;
  const std::map<std::string, Revision>& all() const { return revisions_; }

 private:
  std::map<std::string, Revision> revisions_;
};

}  // namespace channels::simulation
