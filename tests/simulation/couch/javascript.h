// The functions of one design document, run as CouchDB's query server runs them (share/server): Duktape, ES5, `require`
// of modules within the document, emit. One heap for each text of a design document, made at the first call: databases
// with the same design document share it. Designs holds them; only ModelDatabase's parts call it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

struct duk_hthread;

namespace channels::simulation {

class JavaScript {
 public:
  explicit JavaScript(const json::object& design_doc);
  ~JavaScript();
  JavaScript(const JavaScript&) = delete;
  JavaScript& operator=(const JavaScript&) = delete;

  bool has_validation() const;
  bool has_view(std::string_view view) const;
  bool has_filter(std::string_view filter) const;
  // The reduce function's source, "" for none.
  std::string reduce(std::string_view view) const;
  // The map functions and what they may require: views with the same text hold the same rows.
  std::string views_text() const;

  // What a validation says against a document: CouchDB's error and reason.
  struct Refusal {
    std::string error;
    std::string reason;
  };
  // validate_doc_update(new_doc, old_doc, user, security); old_doc null for none.
  std::optional<Refusal> validate(const json::value& new_doc, const json::value& old_doc, const json::value& user,
                                  const json::value& security);
  struct Row {
    json::value key;
    json::value value;
  };
  // What the function emitted; nothing if it threw, as CouchDB has it.
  std::vector<Row> map(std::string_view view, const json::object& doc);
  bool filter(std::string_view filter, const json::object& doc, const json::object& request);

 private:
  json::object call(const std::string& path, const json::array& arguments);
  void make_heap();

  const json::object design_doc_;
  duk_hthread* heap_ = nullptr;
};

// Every design document's functions once, by its text. One for each ModelCouch.
class Designs {
 public:
  std::shared_ptr<JavaScript> of(const json::object& body);

 private:
  std::map<std::string, std::shared_ptr<JavaScript>> by_text_;
};

}  // namespace channels::simulation
