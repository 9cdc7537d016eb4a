#include "device_role/cloud.h"

#include "base/errors.h"
#include "couch/answer.h"
#include "provision/users.h"

namespace channels {

namespace {

Server::Options in_time() {
  Server::Options options;
  options.timeout = seconds(20);  // one small document; a person may be waiting
  return options;
}

}  // namespace

bool put_revision(Server& server, const std::string& database, const Document& doc) {
  const Reply reply =
      server.request("POST", Database(server, database).path("_bulk_docs"),
                     {{"docs", json::array{doc}}, {"new_edits", false}}, {}, in_time());
  const json::array* errors = reply.body.if_array();
  if (errors == nullptr) throw_strange_answer("_bulk_docs");
  for (const json::value& row : *errors) {
    const json::object* result = row.if_object();
    const std::string error = result == nullptr ? "" : string_or(*result, "error", "");
    if (error == "forbidden" || error == "unauthorized") return false;
    if (!error.empty()) throw Unavailable("_bulk_docs answered " + error);
  }
  return true;
}

std::optional<Document> read_revision(Server& server, const std::string& database,
                                      const std::string& id) {
  Reply reply = server.request("GET", Database(server, database).path(doc_path(id)) + "?revs=true",
                               nullptr, {404}, in_time());
  if (reply.status == 404) return std::nullopt;
  return std::move(object_in(reply.body, "GET of a document"));
}

Cloud::Cloud(Transport& transport, const Document& pairing)
    : device_(username_of(string_or(pairing, "device", "")), string_or(pairing, "secret", "")),
      username_(username_of(string_or(pairing, "device", ""))),
      handshake_(string_or(pairing, "handshake", "")),
      open_(transport, nobody_, string_or(pairing, "cloud", "")),
      own_(transport, device_, string_or(pairing, "cloud", "")) {}

std::optional<Document> Cloud::read_handshake(const std::string& device) {
  return read_revision(open_, handshake_, device);
}

Cloud::Pushed Cloud::register_device(const Document& doc) {
  const Saved saved = Database(open_, handshake_).save(doc);
  return saved.outcome == Saved::Outcome::rejected ? Pushed::refused : Pushed::taken;
}

Cloud::Pushed Cloud::push_handshake(const Document& doc) {
  return put_revision(open_, handshake_, doc) ? Pushed::taken : Pushed::refused;
}

Cloud::LogIn Cloud::log_in() {
  const Reply reply = own_.request("GET", "_session", nullptr, {401, 403}, in_time());
  if (reply.status == 401) return LogIn::refused;
  const json::object* body = reply.body.if_object();
  const json::object* context = body == nullptr ? nullptr : get_object(*body, "userCtx");
  const bool is_ours = context != nullptr && string_or(*context, "name", "") == username_;
  return is_ours ? LogIn::taken : LogIn::unknown;
}

void Cloud::ask_rotation(const Document& doc) {
  own_.request("PUT", Database(own_, handshake_).path(doc_path(doc_id(doc))), doc, {409}, in_time());
}

std::optional<Document> Cloud::read_own(const Document& pairing, const std::string& syncpoint, const std::string& id) {
  const std::string path = syncpoint.substr(string_or(pairing, "cloud", "").size()) + "/" + doc_path(id);
  Reply reply = own_.request("GET", path, nullptr, {404}, in_time());
  if (reply.status == 404) return std::nullopt;
  return std::move(object_in(reply.body, "GET of a document"));
}

void Cloud::leave_mark(const Document& pairing, const Document& mark) {
  // CouchDB asks for no _rev of a _local document.
  const std::string control =
      string_or(pairing, "syncpoint", "").substr(string_or(pairing, "cloud", "").size());
  own_.request("PUT", control + "/" + doc_path(doc_id(mark)), mark, {}, in_time());
}

}  // namespace channels
