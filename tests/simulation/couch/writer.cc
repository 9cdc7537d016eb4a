#include "simulation/couch/writer.h"

#include <algorithm>

#include "base/digest.h"
#include "simulation/couch/problem.h"

namespace channels::simulation {

namespace {

// Two edits so close together may reach the copies of a cluster in different orders.
constexpr milliseconds race{150};

const Problem conflict{409, "conflict", "Document update conflict."};

// Identical edits of one parent have an identical rev, as CouchDB's have (couch_db:new_revid; another hash here).
RevId next_rev(const std::optional<RevId>& parent, const IncomingDoc& doc) {
  const std::string before = parent ? parent->text() : "0";
  const std::string hash = sha256_hex(before + (doc.deleted ? "\nd\n" : "\n\n") + doc.text).substr(0, 32);
  return {parent ? parent->generation + 1 : 1, *RevId::parse_hash(hash)};
}

std::string checked_id(const json::value& id) {
  if (!id.is_string()) throw Problem{400, "illegal_docid", "Document id must be a string"};
  std::string text = json::value_to<std::string>(id);
  if (text.empty()) throw Problem{400, "illegal_docid", "Document id must not be empty"};
  if (text == "_design/" || text == "_local/") throw Problem{400, "illegal_docid", "Illegal document id `" + text + "`"};
  if (text.starts_with('_') && !text.starts_with("_design/") && !text.starts_with("_local/"))
    throw Problem{400, "illegal_docid", "Only reserved document ids may start with underscore."};
  return text;
}

std::vector<RevId> revs_of(const json::value& revisions) {
  const json::object* object = revisions.if_object();
  const auto start = object == nullptr ? std::nullopt : get_int(*object, "start");
  if (!start) throw Problem{400, "doc_validation", "_revisions.start isn't an integer."};
  const json::array* ids = get_array(*object, "ids");
  if (ids == nullptr) throw Problem{400, "doc_validation", "_revisions.ids isn't a array."};
  std::vector<RevId> revs;
  for (const json::value& id : *ids) {
    if (!id.is_string()) throw Problem{400, "doc_validation", "RevId isn't a string"};
    auto hash = RevId::parse_hash(id.get_string());
    if (!hash) throw Problem{400, "doc_validation", "RevId isn't a valid hexadecimal"};
    revs.push_back({static_cast<std::uint64_t>(*start) - revs.size(), std::move(*hash)});
  }
  return revs;
}

bool is_kept_member(std::string_view name) {
  return !name.starts_with('_') || name == "_access" || name.starts_with("_replication_");
}

json::value user_context(const std::string& database, const User& user) {
  json::array roles(user.roles.begin(), user.roles.end());
  if (user.is_admin) roles.emplace_back("_admin");
  return {{"db", database}, {"name", user.name.empty() ? json::value() : json::value(user.name)}, {"roles", std::move(roles)}};
}

void refuse(WriteResult& result, const Problem& problem) {
  result.error = problem.error;
  result.reason = problem.reason;
}

}  // namespace

IncomingDoc IncomingDoc::parse(const json::value& doc, std::size_t max_document_size) {
  const json::object* object = doc.if_object();
  if (object == nullptr) throw Problem{400, "bad_request", "Document must be a JSON object"};
  IncomingDoc incoming;
  Document body;
  for (const auto& [key, value] : *object) {
    const std::string_view name = key;
    if (name == "_id") {
      incoming.id = checked_id(value);
    } else if (name == "_rev") {
      const auto rev = value.is_string() ? RevId::parse(value.get_string()) : std::nullopt;
      if (!rev) throw Problem{400, "bad_request", "Invalid rev format"};
      if (incoming.revs.empty()) incoming.revs = {*rev};
    } else if (name == "_revisions") {
      incoming.revs = revs_of(value);
    } else if (name == "_deleted" && value.is_bool()) {
      incoming.deleted = value.get_bool();
    } else if (name == "_attachments") {
      if (!value.is_object() || !value.get_object().empty())
        throw Problem{501, "not_implemented", "this CouchDB keeps no attachments"};
    } else if (is_kept_member(name)) {
      body.emplace(key, value);
    } else if (name != "_revs_info" && name != "_local_seq" && name != "_conflicts" && name != "_deleted_conflicts") {
      throw Problem{400, "doc_validation", "Bad special document member: " + std::string(name)};
    }
  }
  incoming.text = json::serialize(body);
  if (incoming.text.size() > max_document_size) throw Problem{413, "document_too_large", incoming.id};
  incoming.body = std::make_shared<const Document>(std::move(body));
  return incoming;
}

std::vector<WriteResult> Writer::write(const std::vector<IncomingDoc>& docs) {
  std::vector<Pending> all(docs.size());
  std::map<std::string, Bucket> buckets;  // update_seqs are given in the order of ids
  bool validates = database_.validates();
  for (std::size_t i = 0; i < docs.size(); ++i) {
    all[i].doc = &docs[i];
    all[i].result.id = docs[i].id;
    if (docs[i].id.starts_with("_local/")) continue;
    buckets[docs[i].id].push_back(&all[i]);
    validates = validates || docs[i].id.starts_with("_design/");
  }
  // Without anything to validate CouchDB does not look before it merges (couch_db:before_docs_update); so an edit of
  // an unknown revision of a document that is not there is taken.
  for (auto& [id, bucket] : buckets) {
    if (!validates) break;
    if (options_.new_edits) {
      for (Pending* pending : bucket) prepare_edit(*pending);
    } else {
      prepare_replicated(bucket);
    }
  }
  for (auto& [id, bucket] : buckets) {
    RevisionTree& tree = database_.tree(id);
    bool changed = false;
    for (Pending* pending : bucket) {
      if (pending->ignored || !pending->result.error.empty()) continue;
      options_.new_edits ? merge_edit(*pending, tree, changed) : merge_replicated(*pending, tree, changed);
    }
    if (changed) database_.touch(id, options_.now);
    database_.drop_if_empty(id);
    told_ = told_ || changed;
  }
  std::vector<WriteResult> results;
  for (Pending& pending : all) {
    if (pending.doc->id.starts_with("_local/")) write_local(pending);
    if (options_.below_quorum && pending.result.error.empty()) pending.result.accepted = true;
    if (!options_.new_edits) pending.result.rev = pending.doc->revs.front().text();
    if (options_.new_edits || !pending.result.error.empty()) results.push_back(std::move(pending.result));
  }
  return results;
}

// --- validation --------------------------------------------------------------------------------

void Writer::validate(Pending& pending, const std::optional<Document>& old_doc, const std::vector<RevId>& old_path) {
  const IncomingDoc& doc = *pending.doc;
  if (doc.id.starts_with("_design/")) {
    if (database_.is_admin(user_)) return;
    return refuse(pending.result, {403, user_.is_nobody() ? "unauthorized" : "forbidden", "You are not a db or server admin."});
  }
  database_.learn_functions();
  json::object shown{{"_id", doc.id}};
  if (!doc.revs.empty()) shown["_rev"] = doc.revs.front().text();
  for (const auto& member : *doc.body) shown.insert(member);
  if (doc.deleted) shown["_deleted"] = true;
  if (!doc.revs.empty()) shown["_revisions"] = revisions_json(doc.revs);
  json::value old_shown;
  if (old_doc) {
    old_shown = *old_doc;
    old_shown.as_object()["_revisions"] = revisions_json(old_path);
  }
  const json::value new_shown = std::move(shown);
  for (const auto& [id, design] : database_.designs()) {
    if (!design->has_validation()) continue;
    const auto refusal = design->validate(new_shown, old_shown, user_context(database_.name(), user_), database_.security());
    if (!refusal) continue;
    return refuse(pending.result, {403, refusal->error, refusal->reason});
  }
}

void Writer::prepare_edit(Pending& pending) {
  const IncomingDoc& doc = *pending.doc;
  const ModelDoc* known = database_.find(doc.id);
  if (known == nullptr) {
    if (!doc.revs.empty()) return refuse(pending.result, conflict);
    return validate(pending, std::nullopt, {});
  }
  const RevisionTree& tree = known->tree;
  if (doc.revs.empty()) {
    if (!tree.is_deleted() && !lost_a_race(pending, tree, next_rev(std::nullopt, doc)))
      return refuse(pending.result, conflict);
    return validate(pending, std::nullopt, {});
  }
  const RevId& parent = doc.revs.front();
  if (!tree.is_leaf(parent) && !lost_a_race(pending, tree, next_rev(parent, doc)))
    return refuse(pending.result, conflict);
  validate(pending, database_.read(doc.id, parent), tree.path(parent));
}

void Writer::prepare_replicated(const Bucket& bucket) {
  const ModelDoc* known = database_.find(bucket.front()->doc->id);
  RevisionTree merged;
  if (known != nullptr) {
    merged = known->tree;
    for (const Pending* pending : bucket) merged.merge(pending->doc->revs, pending->doc->deleted, pending->doc->body);
  }
  for (Pending* pending : bucket) {
    const IncomingDoc& doc = *pending->doc;
    if (known == nullptr) {
      validate(*pending, std::nullopt, {});
      continue;
    }
    if (known->tree.is_leaf(doc.revs.front()) || !merged.is_leaf(doc.revs.front())) {
      pending->ignored = true;
      continue;
    }
    // The nearest ancestor whose body is still there.
    std::vector<RevId> path = merged.path(doc.revs.front());
    path.erase(path.begin());
    while (!path.empty() && !database_.read(doc.id, path.front())) path.erase(path.begin());
    validate(*pending, path.empty() ? std::nullopt : database_.read(doc.id, path.front()), path);
  }
}

// --- merging -----------------------------------------------------------------------------------

// The copies of a document may disagree about which of two edits was first: then each keeps both.
bool Writer::lost_a_race(Pending& pending, const RevisionTree& tree, const RevId& rev) {
  if (pending.result.accepted) return true;  // drawn before
  const ModelDoc* known = database_.find(pending.doc->id);
  if (known == nullptr || options_.now - known->written_at >= race || tree.has(rev)) return false;
  const bool raced = pending.doc->revs.empty() ? tree.winner().generation == 1
                                               : tree.has(pending.doc->revs.front()) && !tree.is_leaf(pending.doc->revs.front());
  pending.result.accepted = raced && options_.splits();
  return pending.result.accepted;
}

void Writer::merge_edit(Pending& pending, RevisionTree& tree, bool& changed) {
  const IncomingDoc& doc = *pending.doc;
  std::vector<RevId> path = doc.revs;
  if (!tree.empty() && tree.is_deleted()) {
    // Something new in place of a deletion goes on from it; nothing else can be said about one.
    const bool is_new = (path.empty() || path.front().generation == 0) && !doc.deleted;
    if (!is_new) return refuse(pending.result, conflict);
    path = {tree.winner()};
  }
  const RevId rev = next_rev(path.empty() ? std::nullopt : std::optional(path.front()), doc);
  path.insert(path.begin(), rev);
  if (tree.would_merge(path) != RevisionTree::Merged::new_leaf) {
    if (!lost_a_race(pending, tree, rev)) return refuse(pending.result, conflict);
  } else if (options_.wins_unsure()) {
    pending.result.accepted = true;
  }
  tree.merge(path, doc.deleted, doc.body);
  changed = true;
  pending.result.rev = rev.text();
  committed_.emplace_back(doc.id, rev.text());
}

void Writer::merge_replicated(Pending& pending, RevisionTree& tree, bool& changed) {
  const IncomingDoc& doc = *pending.doc;
  tree.merge(doc.revs, doc.deleted, doc.body);
  if (!tree.changed_by_merge()) return;
  changed = true;
  committed_.emplace_back(doc.id, doc.revs.front().text());
}

void Writer::write_local(Pending& pending) {
  const IncomingDoc& doc = *pending.doc;
  // Counted up from whatever was sent; nobody is refused.
  std::uint64_t number = 1;
  if (!doc.revs.empty()) {
    const std::string& last = doc.revs.front().bytes;
    if (doc.revs.front().generation != 0 || last.find_first_not_of("0123456789") != std::string::npos || last.empty())
      return refuse(pending.result, {400, "bad_request", "Invalid rev format"});
    number = std::stoull(last) + 1;
  }
  if (doc.deleted) number = 0;
  pending.result.rev = "0-" + std::to_string(number);
  if (doc.deleted) {
    database_.set_local(doc.id, std::nullopt);
  } else {
    Document stored{{"_id", doc.id}, {"_rev", pending.result.rev}};
    for (const auto& member : *doc.body) stored.insert(member);
    database_.set_local(doc.id, std::move(stored));
  }
  committed_.emplace_back(doc.id, pending.result.rev);
}

}  // namespace channels::simulation
