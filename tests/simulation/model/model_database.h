// One database of the in-memory CouchDB: revision trees, the feed's order, local documents, the security object,
// design functions and views. ModelCouch speaks HTTP in front of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "simulation/model/javascript.h"
#include "simulation/model/revision_tree.h"

namespace channels::simulation {

// Who asks: {"name": ..., "roles": [...]} and whether it is a server admin.
struct User {
  std::string name;
  std::vector<std::string> roles;
  bool is_admin = false;
};

// What becomes of one document of a save.
struct WriteResult {
  std::string id;
  std::string rev;
  std::string error;  // "conflict", "forbidden", "unauthorized"; "" if it was saved
  std::string reason;
  bool accepted = false;  // 202
};

struct ModelDoc {
  RevisionTree tree;
  std::uint64_t seq = 0;
  MonoTime written_at{};
};

class ModelDatabase {
 public:
  explicit ModelDatabase(std::string name) : name_(std::move(name)) {}

  // `split`: an edit that races with one of a moment ago may be kept as a branch, and be answered 202.
  struct WriteOptions {
    bool new_edits = true;
    bool below_quorum = false;
    bool split = false;
    MonoTime now{};
  };
  WriteResult write(const User& user, const json::object& doc, const WriteOptions& options);

  // With _id, _rev and what is asked for; nullptr-like empty if there is no such revision.
  std::optional<Document> read(const std::string& id, const std::string& rev = "") const;
  std::vector<json::object> view(const std::string& name, bool& exists);
  bool may_read(const User& user) const;

  const std::map<std::string, ModelDoc>& docs() const { return docs_; }
  const std::map<std::uint64_t, std::string>& by_seq() const { return by_seq_; }
  std::uint64_t seq() const { return seq_; }
  void purge(const std::string& id, const std::vector<std::string>& revs);
  void compact();

  // Everything that a copy of its file holds.
  struct Copy {
    std::map<std::string, ModelDoc> docs;
    std::map<std::uint64_t, std::string> by_seq;
    std::uint64_t seq = 0;
    std::map<std::string, Document> locals;
    json::object security;
  };
  Copy copy() const { return {docs_, by_seq_, seq_, locals, security}; }
  void restore(const Copy& copy);

  // Opaque to who reads it; that of another incarnation of the database is not known here, and means the beginning.
  std::string seq_text(std::uint64_t seq) const;
  std::uint64_t seq_number(const std::string& text) const;

  std::map<std::string, Document> locals;
  json::object security;
  std::string uuid;
  std::function<void(const std::string& id, const std::string& rev)> on_commit;

 private:
  WriteResult edit(const User& user, const json::object& doc, const WriteOptions& options);
  WriteResult replicate(const User& user, const json::object& doc, const WriteOptions& options);
  std::optional<JavaScript::Refusal> validate(const User& user, const json::object& doc, const std::string& id,
                                              const std::string& old_rev, const json::object* revisions);
  void commit(const std::string& id, const std::vector<std::string>& history, bool deleted, Document body,
              MonoTime now);
  void reload_design();

  std::string name_;
  std::map<std::string, ModelDoc> docs_;
  std::map<std::uint64_t, std::string> by_seq_;
  std::uint64_t seq_ = 0;
  std::unique_ptr<JavaScript> design_;
  struct View {
    std::map<std::string, std::vector<JavaScript::Row>> rows;  // by document id
    std::uint64_t up_to = 0;
  };
  std::map<std::string, View> views_;
};

// CouchDB's order of keys in views, for the keys that this project has: null, false, true, numbers, strings (by bytes:
// all of them are ASCII of one case), arrays, objects.
int collate(const json::value& left, const json::value& right);

}  // namespace channels::simulation
