// One database of the in-memory CouchDB: its documents with all their revisions, the order of the feed, _local
// documents, the security object, design functions and views. Writer changes documents, ModelRequest the rest; checkers
// read it freely. A copy (Snapshot) is all that a copy of its file would hold.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "simulation/couch/javascript.h"
#include "simulation/couch/revision_tree.h"
#include "simulation/couch/views.h"

namespace channels::simulation {

// Who asks.
struct User {
  std::string name;  // "" for nobody
  std::vector<std::string> roles;
  bool is_admin = false;  // of the server

  bool is_nobody() const { return name.empty() && !is_admin; }
};

struct ModelDoc {
  RevisionTree tree;
  std::uint64_t seq = 0;
  MonoTime written_at{};
};

class ModelDatabase {
 public:
  ModelDatabase(std::string name, std::string uuid, Designs& designs);

  const std::string& name() const { return name_; }
  // Another one after the database was removed and made again.
  const std::string& uuid() const { return uuid_; }

  const std::map<std::string, ModelDoc>& docs() const { return docs_; }
  const std::map<std::uint64_t, std::string>& by_seq() const { return by_seq_; }
  const std::map<std::string, Document>& locals() const { return locals_; }
  const json::object& security() const { return security_; }
  std::uint64_t seq() const { return seq_; }
  const ModelDoc* find(const std::string& id) const;

  // The winner; none if there is no such document or it is deleted. Also _local documents.
  std::optional<Document> read(const std::string& id) const;
  // That revision, deleted or not; none if it is unknown or its body is gone.
  std::optional<Document> read(const std::string& id, const RevId& rev) const;
  std::optional<Document> read(const std::string& id, const std::string& rev) const;
  // Every leaf, the winner first.
  std::vector<Document> leaves(const std::string& id) const;

  bool may_read(const User& user) const;
  bool is_admin(const User& user) const;

  // "N-..." as the feed prints it: opaque. The same number prints alike only as long as nothing is written.
  std::string seq_text(std::uint64_t seq) const;
  // What a seq stands for; 0 for one of another database, or of one of this name that was removed. None: no seq at all.
  std::optional<std::uint64_t> seq_number(std::string_view text) const;

  const std::map<std::string, std::shared_ptr<JavaScript>>& designs() const { return designs_in_use_; }
  Views& views() { return views_; }
  // CouchDB looks at every document before it merges it, until it knows that no function validates here.
  bool validates() const;
  void learn_functions() { knows_functions_ = true; }

  // --- changing; each of them counts update_seq up as CouchDB does
  void set_security(json::object security);
  void set_local(const std::string& id, std::optional<Document> doc);
  // Gives what was purged.
  std::vector<RevId> purge(const std::string& id, const std::vector<RevId>& revs);
  void purge_ended();
  void compact();
  // For Writer: the tree to change, and what follows when it was.
  RevisionTree& tree(const std::string& id) { return docs_[id].tree; }
  void touch(const std::string& id, MonoTime now);
  void drop_if_empty(const std::string& id);

  struct Snapshot {
    std::map<std::string, ModelDoc> docs;
    std::map<std::uint64_t, std::string> by_seq;
    std::map<std::string, Document> locals;
    json::object security;
    std::uint64_t seq = 0;
  };
  Snapshot snapshot() const { return {docs_, by_seq_, locals_, security_, seq_}; }
  // As an operator puts a copy of the file back: the same identity, and no sign of it.
  void restore(const Snapshot& snapshot);

 private:
  void take_design(const std::string& id);
  void count_up(ModelDoc& doc, const std::string& id);

  const std::string name_;
  const std::string uuid_;
  Designs& designs_;
  std::map<std::string, ModelDoc> docs_;
  std::map<std::uint64_t, std::string> by_seq_;
  std::map<std::string, Document> locals_;
  json::object security_;
  std::uint64_t seq_ = 0;
  bool knows_functions_ = false;
  std::map<std::string, std::shared_ptr<JavaScript>> designs_in_use_;  // by id of the design document
  Views views_{*this};
};

}  // namespace channels::simulation
