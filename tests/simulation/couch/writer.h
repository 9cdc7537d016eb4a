// Saves documents into one database as CouchDB does (couch_db:update_docs, couch_db_updater:merge_rev_tree): ordinary
// edits, which need a leaf as parent, and replicated revisions (new_edits=false), which become branches wherever they
// belong. ModelRequest makes one for each request that writes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "simulation/couch/model_database.h"

namespace channels::simulation {

// A document as it comes in, taken apart (couch_doc:from_json_obj). `parse` throws Problem.
struct IncomingDoc {
  std::string id;
  std::vector<RevId> revs;  // from _revisions, else _rev; for an edit that is the parent's path
  bool deleted = false;
  std::shared_ptr<const Document> body;
  std::string text;  // of the body

  static IncomingDoc parse(const json::value& doc, std::size_t max_document_size);
};

// What became of one document.
struct WriteResult {
  std::string id;
  std::string rev;
  std::string error;  // "" if it was saved
  std::string reason;
  bool accepted = false;  // 202
};

struct WriteOptions {
  bool new_edits = true;
  bool below_quorum = false;
  // Drawn when an edit loses a race of a moment ago: both are kept. And when one wins it: it is answered 202 as well.
  std::function<bool()> splits = [] { return false; };
  std::function<bool()> wins_unsure = [] { return false; };
  MonoTime now{};
};

class Writer {
 public:
  Writer(ModelDatabase& database, const User& user, WriteOptions options)
      : database_(database), user_(user), options_(std::move(options)) {}

  // One result for each document, in their order; of replicated ones those that were refused.
  std::vector<WriteResult> write(const std::vector<IncomingDoc>& docs);

  // What was committed, in the order of it: {id, rev}.
  const std::vector<std::pair<std::string, std::string>>& committed() const { return committed_; }
  // Something that feeds tell of, so no _local document alone.
  bool told() const { return told_; }

 private:
  struct Pending {
    const IncomingDoc* doc = nullptr;
    WriteResult result;
    bool ignored = false;  // a replicated revision that is there already
  };
  using Bucket = std::vector<Pending*>;

  void prepare_edit(Pending& pending);
  void prepare_replicated(const Bucket& bucket);
  void validate(Pending& pending, const std::optional<Document>& old_doc, const std::vector<RevId>& old_path);
  void merge_edit(Pending& pending, RevisionTree& tree, bool& changed);
  void merge_replicated(Pending& pending, RevisionTree& tree, bool& changed);
  bool lost_a_race(Pending& pending, const RevisionTree& tree, const RevId& rev);
  void write_local(Pending& pending);

  ModelDatabase& database_;
  const User& user_;
  const WriteOptions options_;
  std::vector<std::pair<std::string, std::string>> committed_;
  bool told_ = false;
};

}  // namespace channels::simulation
