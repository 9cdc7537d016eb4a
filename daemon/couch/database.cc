#include "couch/database.h"

#include <algorithm>

#include "base/check.h"
#include "base/errors.h"
#include "couch/answer.h"

namespace channels {

namespace {

// Of the 64 kB that a device may write these are 2 MB, and their revisions a URL of 2 kB.
constexpr std::size_t leaves_a_request = 32;

Change change_of(json::value& answer) {
  json::object& row = object_in(answer, "_changes");
  Change change;
  change.seq = seq_in(answer, "seq", "_changes");
  change.id = string_or(row, "id", "");
  change.deleted = is_true(row, "deleted");
  if (const json::array* revs = get_array(row, "changes")) {
    for (const json::value& rev : *revs) {
      if (const json::object* leaf = rev.if_object())
        change.revs.push_back(string_or(*leaf, "rev", ""));
    }
  }
  if (json::object* doc = row.contains("doc") ? row["doc"].if_object() : nullptr)
    change.doc = std::move(*doc);
  return change;
}

Saved saved_of(json::value& answer) {
  const json::object& row = object_in(answer, "_bulk_docs");
  Saved saved;
  saved.id = string_or(row, "id", "");
  saved.rev = string_or(row, "rev", "");
  const std::string error = string_or(row, "error", "");
  if (error.empty()) {
    if (is_true(row, "accepted")) saved.outcome = Saved::Outcome::accepted;
    return saved;
  }
  saved.reason = string_or(row, "reason", error);
  if (error == "conflict") {
    saved.outcome = Saved::Outcome::conflict;
  } else if (error == "forbidden" || error == "unauthorized") {
    saved.outcome = Saved::Outcome::rejected;
  } else {
    saved.outcome = Saved::Outcome::failed;
    saved.reason = error + ": " + saved.reason;
  }
  return saved;
}

std::vector<Saved> none_failed(std::vector<Saved> results) {
  for (const Saved& saved : results) {
    if (saved.outcome == Saved::Outcome::failed) throw Unavailable("_bulk_docs answered for one document: " + saved.reason);
  }
  return results;
}

std::vector<Document> leaves_in(json::value& answer) {
  std::vector<Document> found;
  for (json::value& entry : array_in(answer, "open_revs")) {
    json::object& row = object_in(entry, "open_revs");
    if (json::object* doc = row.contains("ok") ? row["ok"].if_object() : nullptr)
      found.push_back(std::move(*doc));
  }
  std::sort(found.begin(), found.end(), [](const Document& left, const Document& right) {
    if (is_deleted(left) != is_deleted(right)) return is_deleted(right);
    return parse_rev(doc_rev(left)) > parse_rev(doc_rev(right));
  });
  return found;
}

void add_revs(const json::object& doc, std::string_view member, std::vector<std::string>& revs) {
  const json::array* listed = get_array(doc, member);
  if (listed == nullptr) return;
  for (const json::value& rev : *listed) revs.push_back(string_in(rev, member));
}

}  // namespace

std::string doc_path(std::string_view id) {
  for (const std::string_view kept : {"_design/", "_local/"}) {
    if (id.starts_with(kept)) return std::string(kept) + url_encode(id.substr(kept.size()));
  }
  return url_encode(id);
}

Database::Database(Server& server, std::string name) : server_(&server), name_(std::move(name)) {}

std::string Database::path(std::string_view rest) const {
  std::string out = url_encode(name_);
  if (!rest.empty()) out += "/" + std::string(rest);
  return out;
}

Created Database::create(int shards) {
  const Reply reply = server_->request("PUT", path() + "?q=" + std::to_string(shards), nullptr, {412});
  return reply.status == 412 ? Created::existed : Created::made;
}

void Database::remove() {
  server_->request("DELETE", path(), nullptr, {404});
}

bool Database::exists() {
  return server_->request("GET", path(), nullptr, {404}).status == 200;
}

std::string Database::update_seq() {
  Reply reply = server_->request("GET", path());
  return seq_in(reply.body, "update_seq", "GET of a database");
}

int Database::copies() {
  const Reply reply = server_->request("GET", path());
  const json::object* info = reply.body.if_object();
  const json::object* cluster = info == nullptr ? nullptr : get_object(*info, "cluster");
  return cluster == nullptr ? 1 : std::max(1, static_cast<int>(int_or(*cluster, "n", 1)));
}

std::optional<Document> Database::get(std::string_view id, int copies) {
  std::string rest = doc_path(id);
  if (copies > 1) rest += "?r=" + std::to_string(copies);
  Reply reply = server_->request("GET", path(rest), nullptr, {404});
  if (reply.status == 404) return std::nullopt;
  return std::move(object_in(reply.body, "GET of a document"));
}

std::vector<Document> Database::leaves(std::string_view id) {
  Reply reply = server_->request("GET", path(doc_path(id)) + "?open_revs=all", nullptr, {404});
  if (reply.status == 404) return {};
  return leaves_in(reply.body);
}

LeafRevs Database::leaf_revs(std::string_view id) {
  LeafRevs revs;
  Reply reply = server_->request("GET", path(doc_path(id)) + "?conflicts=true&deleted_conflicts=true", nullptr, {404});
  if (reply.status == 404) return revs;
  const json::object& winner = object_in(reply.body, "GET of a document");
  revs.live.push_back(doc_rev(winner));
  add_revs(winner, "_conflicts", revs.live);
  add_revs(winner, "_deleted_conflicts", revs.deleted);
  return revs;
}

std::vector<Document> Database::leaves(std::string_view id, std::span<const std::string> revs) {
  const std::string wanted = json::serialize(json::value_from(std::vector<std::string>(revs.begin(), revs.end())));
  Reply reply = server_->request("GET", path(doc_path(id)) + "?open_revs=" + url_encode(wanted), nullptr, {404});
  if (reply.status == 404) return {};
  return leaves_in(reply.body);
}

std::optional<Document> Database::find_leaf(std::string_view id, const std::function<bool(const Document&)>& wanted) {
  LeafRevs revs = leaf_revs(id);
  std::vector<std::string>& all = revs.live;
  all.insert(all.end(), revs.deleted.begin(), revs.deleted.end());
  std::size_t most = leaves_a_request;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t count = std::min(most, all.size() - at);
    try {
      for (Document& leaf : leaves(id, std::span(all).subspan(at, count))) {
        if (wanted(leaf)) return std::move(leaf);
      }
    } catch (const Unreadable&) {
      if (count > 1) {
        most = 1;
        continue;
      }
    }
    at += count;
  }
  return std::nullopt;
}

std::vector<std::optional<Document>> Database::get_many(const std::vector<std::string>& ids) {
  std::vector<std::optional<Document>> found;
  for (Winner& winner : winners(ids)) found.push_back(std::move(winner.doc));
  return found;
}

std::vector<Winner> Database::winners(const std::vector<std::string>& ids) {
  std::vector<Winner> found;
  if (ids.empty()) return found;
  // _all_docs with keys is a look-up of these ids, not a scan.
  Reply reply = server_->request("POST", path("_all_docs?include_docs=true"),
                                 {{"keys", json::value_from(ids)}});
  for (json::value& entry : array_in(reply.body, "rows", "_all_docs")) {
    json::object& row = object_in(entry, "_all_docs");
    Winner winner;
    if (const json::object* value = get_object(row, "value")) {
      winner.rev = string_or(*value, "rev", "");
      winner.deleted = is_true(*value, "deleted");
    }
    if (json::object* doc = row.contains("doc") ? row["doc"].if_object() : nullptr) winner.doc = std::move(*doc);
    found.push_back(std::move(winner));
  }
  if (found.size() != ids.size()) throw_strange_answer("_all_docs");
  return found;
}

std::vector<Saved> Database::save_all(const std::vector<Document>& docs) {
  return none_failed(save_each(docs));
}

std::vector<Saved> Database::save_each(std::span<const Document> docs) {
  std::vector<Saved> results;
  if (docs.empty()) return results;
  json::array body(docs.begin(), docs.end());
  Reply reply = server_->request("POST", path("_bulk_docs"), {{"docs", std::move(body)}});
  for (json::value& row : array_in(reply.body, "_bulk_docs")) results.push_back(saved_of(row));
  if (results.size() != docs.size()) throw_strange_answer("_bulk_docs");
  return results;
}

Saved Database::save(const Document& doc) {
  return none_failed(save_each(std::span(&doc, 1))).front();
}

Changes Database::changes(const ChangesQuery& query) {
  std::string rest = "_changes?style=all_docs&limit=" + std::to_string(query.limit) +
                     "&since=" + url_encode(query.since);
  if (query.include_docs) rest += "&include_docs=true";
  if (query.design_only) rest += "&filter=_design";
  Server::Options options;
  options.stop = query.stop;
  options.largest_answer = query.largest_answer;
  if (query.long_poll.count() > 0) {
    rest += "&feed=longpoll&timeout=" + std::to_string(query.long_poll.count());
    options.timeout = query.long_poll + seconds(15);  // the server's answer is due before that
  }
  Reply reply = server_->request("GET", path(rest), nullptr, {}, options);
  Changes changes;
  for (json::value& row : array_in(reply.body, "results", "_changes"))
    changes.rows.push_back(change_of(row));
  changes.last_seq = seq_in(reply.body, "last_seq", "_changes");
  changes.bytes = reply.bytes;
  changes.pending = int_or(object_in(reply.body, "_changes"), "pending", 0);
  return changes;
}

void Database::purge(const json::object& revs_by_id) {
  server_->request("POST", path("_purge"), revs_by_id);
}

void Database::compact() {
  server_->request("POST", path("_compact"), json::object());
}

bool Database::is_compacting() {
  Reply reply = server_->request("GET", path());
  return is_true(object_in(reply.body, "GET of a database"), "compact_running");
}

void Database::compact_views() {
  server_->request("POST", path("_compact/channels"), json::object());
}

void Database::keep_purged_infos(int most) {
  server_->request("PUT", path("_purged_infos_limit"), most, {404, 501});
}

json::object Database::security() {
  Reply reply = server_->request("GET", path("_security"));
  return std::move(object_in(reply.body, "_security"));
}

void Database::put_security(const json::object& security) {
  server_->request("PUT", path("_security"), security);
}

std::vector<json::object> Database::view(std::string_view view, const json::object& query) {
  return rows("_design/channels/_view/" + url_encode(view), query);
}

std::vector<json::object> Database::all_docs(const json::object& query) {
  check(query.contains("startkey") && query.contains("endkey"), "a scan of a whole database");
  return rows("_all_docs", query);
}

std::vector<json::object> Database::rows(std::string_view rest, const json::object& query) {
  Reply reply = server_->request("POST", path(rest), query);
  std::vector<json::object> found;
  for (json::value& row : array_in(reply.body, "rows", rest)) found.push_back(std::move(object_in(row, rest)));
  return found;
}

}  // namespace channels
