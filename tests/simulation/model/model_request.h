// One HTTP request, answered by a ModelCouch: the routes that CouchDB has and this project uses. Only
// ModelCouch::answer makes it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "simulation/model/model_couch.h"

namespace channels::simulation {

class ModelRequest {
 public:
  ModelRequest(ModelCouch& couch, const HttpRequest& request);
  HttpResponse answer();

 private:
  HttpResponse route();
  HttpResponse server_route();
  HttpResponse database_route(ModelDatabase& database);
  HttpResponse document_route(ModelDatabase& database, const std::string& id);
  HttpResponse changes(ModelDatabase& database);
  HttpResponse all_docs(ModelDatabase& database);
  HttpResponse bulk_docs(ModelDatabase& database);
  HttpResponse view(ModelDatabase& database, const std::string& name);
  HttpResponse revs_diff(ModelDatabase& database);
  HttpResponse purge(ModelDatabase& database);
  HttpResponse open_revs(ModelDatabase& database, const std::string& id);
  HttpResponse make_or_remove(const std::string& name);
  json::object info(const std::string& name, ModelDatabase& database);
  bool log_in();
  ModelDatabase::WriteOptions write_options(bool new_edits);

  HttpResponse with(int status, json::value body) const;
  HttpResponse error(int status, std::string_view error, std::string_view reason) const;
  // The query's or the body's, as JSON where it is JSON.
  std::optional<json::value> parameter(const std::string& name) const;
  std::string text(const std::string& name, const std::string& fallback = "") const;

  ModelCouch& couch_;
  const HttpRequest& request_;
  std::vector<std::string> path_;
  std::map<std::string, std::string> query_;
  json::value body_;
  User user_;
};

}  // namespace channels::simulation
