// Where somebody who is erased is named: erasure.h.
#include "base/errors.h"
#include "couch/purger.h"
#include "workflows/erasure.h"

namespace channels {

namespace {

// A document in a control database may be 64 kB large.
constexpr std::size_t searched_a_page = 100;
constexpr int most_rounds = 10;

using Test = std::function<bool(const Document& leaf)>;

// Every leaf of the database, deleted ones too, for which it is true.
std::vector<Document> leaves_with(Database& database, const Test& is_wanted) {
  std::vector<Document> found;
  Database::ChangesQuery query;
  query.limit = searched_a_page;
  while (true) {
    Changes changes = database.changes(query);
    for (Change& change : changes.rows) {
      std::vector<Document> leaves;
      if (change.revs.size() > 1) leaves = database.leaves(change.id);
      else leaves.push_back(std::move(change.doc));
      for (Document& leaf : leaves) {
        if (is_wanted(leaf)) found.push_back(std::move(leaf));
      }
    }
    if (changes.rows.size() < searched_a_page) return found;
    query.since = changes.last_seq;
  }
}

void purge_leaves(Database& database, const std::vector<Document>& leaves) {
  Purger purger(database);
  for (const Document& leaf : leaves) purger.add(doc_id(leaf), doc_rev(leaf));
  purger.send();
}

// --- the handshake ---

bool is_of_device(const Document& doc, const std::set<std::string>& devices) {
  if (doc_type(doc) == "confirm") return devices.contains(string_or(doc, "device", ""));
  constexpr std::string_view rotate = "rotate-";
  const std::string id = doc_id(doc);
  return id.starts_with(rotate) && devices.contains(id.substr(rotate.size(), 64));
}

// --- others' control databases ---

// What stays in CouchDB whatever is written over it: the id, and what a deleted revision says.
bool must_be_purged(const Document& leaf, const Mentioned& who) {
  return is_deleted(leaf) || mentions(std::string_view(doc_id(leaf)), who);
}

// An invitation is nothing without him. Whatever else names him is another person's own.
Document taken_out(const Document& leaf, const Mentioned& who) {
  if (doc_type(leaf) == "invitation") return {{"_id", doc_id(leaf)}, {"_rev", doc_rev(leaf)}, {"_deleted", true}};
  return without_mentions(leaf, who);
}

void take_out(Database& database, const std::vector<Document>& leaves, const Mentioned& who) {
  std::vector<Document> purged;
  std::vector<Document> edits;
  for (const Document& leaf : leaves) {
    if (must_be_purged(leaf, who)) purged.push_back(leaf);
    else edits.push_back(taken_out(leaf, who));
  }
  database.save_all(edits);
  purge_leaves(database, purged);
}

const char* what_becomes_of(const Document& leaf, const Mentioned& who) {
  if (must_be_purged(leaf, who)) return "purged";
  return doc_type(leaf) == "invitation" ? "deleted" : "his address taken out of it";
}

void search_control(Erasure& erasure, const std::string& name) {
  Database database(erasure.services.server, name);
  for (int round = 0; round < most_rounds; ++round) {
    const auto found = leaves_with(database, [&](const Document& leaf) { return mentions(leaf, erasure.who); });
    if (found.empty()) return;
    for (const Document& leaf : found) erasure.notes.plan(name, doc_id(leaf), what_becomes_of(leaf, erasure.who));
    erasure.notes.save();
    take_out(database, found, erasure.who);
  }
  throw Unavailable("documents that name him appear in " + name + " all the time");
}

// --- the registry ---

void search_records(Erasure& erasure, std::string_view prefix, const Mentioned& who) {
  Database& registry = erasure.services.registry.database();
  json::object query{{"startkey", prefix}, {"endkey", std::string(prefix) + "\xef\xbf\xb0"}, {"include_docs", true}, {"limit", searched_a_page}};
  while (true) {
    const auto rows = registry.all_docs(query);
    std::vector<Document> found;
    for (const json::object& row : rows) {
      const json::object* doc = get_object(row, "doc");
      if (doc != nullptr && mentions(*doc, who)) found.push_back(*doc);
    }
    for (const Document& record : found) erasure.notes.plan(registry.name(), doc_id(record), "purged");
    erasure.notes.save();
    purge_leaves(registry, found);
    if (rows.size() < searched_a_page) return;
    query["startkey"] = string_or(rows.back(), "id", "") + '\0';
  }
}

}  // namespace

void search_handshake(Erasure& erasure) {
  Database& handshake = erasure.services.handshake;
  const auto found = leaves_with(handshake, [&](const Document& leaf) {
    return mentions(leaf, erasure.who) || is_of_device(leaf, erasure.notes.devices());
  });
  for (const Document& leaf : found) erasure.notes.plan(handshake.name(), doc_id(leaf), "purged");
  erasure.notes.save();
  purge_leaves(handshake, found);
}

void search_control_database(Erasure& erasure, const std::string& name) {
  try {
    search_control(erasure, name);
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;
  }
}

std::vector<std::string> search_control_databases(Erasure& erasure) {
  const std::string prefix = erasure.services.options.control_prefix;
  std::string last = std::max(prefix, erasure.notes.searched());
  std::size_t searched = 0;
  Compactions compactions(erasure.services);
  while (true) {
    const auto names = erasure.services.server.database_names(last, searched_a_page);
    for (const std::string& name : names) {
      if (!name.starts_with(prefix)) break;
      search_control_database(erasure, name);
      compactions.begin(name);
    }
    if (names.size() < searched_a_page || !names.back().starts_with(prefix)) return compactions.finish();
    last = names.back();
    searched += names.size();
    erasure.notes.set_searched(last);
    erasure.notes.save();
    erasure.tell("searched " + std::to_string(searched) + " control databases");
  }
}

void search_registry(Erasure& erasure) {
  Mentioned who = erasure.who;
  who.words.insert(erasure.user);
  who.words.insert(erasure.notes.devices().begin(), erasure.notes.devices().end());
  for (const char* prefix : {"failure-", "revisit-", "trace-"}) search_records(erasure, prefix, who);
}

}  // namespace channels
