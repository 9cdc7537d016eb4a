// One HTTP request, answered by a ModelCouch: the routes that CouchDB has and this project uses, by chttpd's rules.
// ModelCouch::answer makes one for each request; Feed reads through one again and again.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simulation/couch/model_couch.h"
#include "simulation/couch/writer.h"

namespace channels::simulation {

// A page of _changes.
struct ChangesPage {
  struct Row {
    std::uint64_t seq = 0;  // as printed: nothing at or below it is missing from the rows up to this one
    json::object shown;
  };
  std::vector<Row> rows;
  std::uint64_t last = 0;
  std::string last_seq;
  std::int64_t pending = 0;
};

class ModelRequest {
 public:
  ModelRequest(ModelCouch& couch, const HttpRequest& request);

  // Never throws.
  HttpResponse answer();

  // --- for Feed; these throw Problem
  void authorize();
  bool is_changes() const { return path_.size() == 2 && path_[1] == "_changes"; }
  bool is_updates() const { return path_.size() == 1 && path_[0] == "_db_updates"; }
  // "normal", "longpoll" or "continuous".
  std::string feed() const;
  ModelDatabase& feed_database();
  std::uint64_t since(ModelDatabase& database) const;
  ChangesPage changes_page(ModelDatabase& database, std::uint64_t since, std::size_t limit);
  std::size_t limit() const;
  // None without one; "true" is a minute.
  std::optional<milliseconds> heartbeat() const;
  std::optional<std::int64_t> whole_number(const std::string& name) const;
  void parse_body();
  // The query's, else the body's.
  std::string text(const std::string& name, const std::string& fallback = "") const;

 private:
  // --- model_request.cc
  void parse(const HttpRequest& request);
  HttpResponse route();
  HttpResponse server_route();
  HttpResponse session();
  HttpResponse all_dbs();
  HttpResponse dbs_info();
  HttpResponse make_or_remove(const std::string& name);
  HttpResponse database_route(ModelDatabase& database);
  HttpResponse security(ModelDatabase& database);
  json::object info(const ModelDatabase& database) const;
  ModelDatabase& database();
  void require_admin() const;

  // --- request_documents.cc
  HttpResponse document_route(ModelDatabase& database, const std::string& id);
  HttpResponse get_document(ModelDatabase& database, const std::string& id);
  HttpResponse open_revs(ModelDatabase& database, const std::string& id);
  HttpResponse put_document(ModelDatabase& database, const std::string& id, json::value doc);
  HttpResponse bulk_docs(ModelDatabase& database);
  HttpResponse bulk_get(ModelDatabase& database);
  HttpResponse revs_diff(ModelDatabase& database);
  HttpResponse purge(ModelDatabase& database);
  std::vector<WriteResult> write(ModelDatabase& database, const std::vector<IncomingDoc>& docs, bool new_edits);
  json::object decorated(ModelDatabase& database, const std::string& id, const RevId& rev, json::object doc) const;

  // --- request_rows.cc
  HttpResponse changes(ModelDatabase& database);
  HttpResponse all_docs(ModelDatabase& database);
  HttpResponse view(ModelDatabase& database, const std::string& design, const std::string& view);
  ViewQuery view_query() const;
  bool passes(ModelDatabase& database, const std::string& id, const Document& doc) const;
  bool filters_by_function() const;
  std::optional<json::object> change_row(ModelDatabase& database, const std::string& id);
  void shuffle(ModelDatabase& database, ChangesPage& page);

  static HttpResponse with(int status, const json::value& body);
  // The same as text(), as JSON where it is JSON.
  std::optional<json::value> parameter(const std::string& name) const;
  bool is_set(const std::string& name) const { return parameter(name) == json::value(true); }

  ModelCouch& couch_;
  const HttpRequest& request_;
  std::vector<std::string> path_;
  std::map<std::string, std::string> query_;
  json::value body_;
  User user_;
};

// Who sends the request, by Basic or cookie; throws Problem where the password is wrong.
User log_in(const HttpRequest& request, const ModelOptions& options, const ModelDatabase& users, WallTime now);

}  // namespace channels::simulation
