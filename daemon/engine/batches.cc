#include "engine/batches.h"

#include <iterator>

#include "base/errors.h"

namespace channels {

namespace {

void tell(Log& log, const Database& database, const std::string& id, const std::string& why) {
  log.error("the document " + escaped(id) + " in " + database.name() + " cannot be read: " + escaped(why));
}

// The one row as far as it can be read: without its document.
Changes read_bare_row(Database& database, Database::ChangesQuery query, Log& log,
                      const std::string& why) {
  query.include_docs = false;
  Changes changes = database.changes(query);
  for (Change& row : changes.rows) {
    row.doc = {{"_id", row.id}};
    if (!row.revs.empty()) row.doc["_rev"] = row.revs.front();
    tell(log, database, row.id, why);
  }
  return changes;
}

Saved save_one(Database& database, const Document& doc) {
  try {
    return database.save_each(std::span(&doc, 1)).front();
  } catch (const Refused& refused) {
    if (is_about_the_request(refused.status)) throw;
    Saved saved;
    saved.outcome = Saved::Outcome::rejected;
    saved.id = doc_id(doc);
    saved.reason = refused.what();
    return saved;
  }
}

// It works with what is the caller's.
void wait_in_any_case(Aside& aside, const std::shared_ptr<Aside::Task>& task) {
  try {
    aside.wait(task);
  } catch (const std::exception&) {  // what the caller throws says enough
  }
}

}  // namespace

bool is_about_the_request(int status) {
  return status == 401 || status == 403 || status == 404;
}

Changes read_changes(Database& database, Database::ChangesQuery& query, Log& log) {
  try {
    return database.changes(query);
  } catch (const Unreadable&) {
    query.limit = 1;
    query.largest_answer = HttpRequest().largest_answer;
  }
  try {
    return database.changes(query);
  } catch (const Unreadable& unreadable) {
    return read_bare_row(database, query, log, unreadable.what());
  }
}

std::vector<std::optional<Document>> read_documents(Database& database,
                                                    const std::vector<std::string>& ids, Log& log) {
  try {
    return database.get_many(ids);
  } catch (const Unreadable&) {
  }
  std::vector<std::optional<Document>> found;
  for (const std::string& id : ids) {
    try {
      found.push_back(database.get(id));
    } catch (const Unreadable& unreadable) {
      tell(log, database, id, unreadable.what());
      found.emplace_back(Document{{"_id", id}});
    }
  }
  return found;
}

std::vector<Saved> save_documents(Database& database, std::span<const Document> docs) {
  try {
    return database.save_each(docs);
  } catch (const Refused& refused) {
    if (is_about_the_request(refused.status)) throw;
  }
  std::vector<Saved> results;
  for (const Document& doc : docs) results.push_back(save_one(database, doc));
  return results;
}

std::vector<Saved> save_documents(Database& database, std::span<const Document> docs, Aside& aside,
                                  std::size_t split_from) {
  if (docs.size() < split_from) return save_documents(database, docs);
  const std::size_t half = docs.size() / 2;
  std::vector<Saved> first;
  const auto task = aside.start([&, database]() mutable { first = save_documents(database, docs.first(half)); });
  if (task == nullptr) return save_documents(database, docs);
  std::vector<Saved> second;
  try {
    second = save_documents(database, docs.subspan(half));
  } catch (...) {
    wait_in_any_case(aside, task);
    throw;
  }
  aside.wait(task);
  first.insert(first.end(), std::move_iterator(second.begin()), std::move_iterator(second.end()));
  return first;
}

}  // namespace channels
