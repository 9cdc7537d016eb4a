// A design document's functions, run as CouchDB runs them: Duktape (ES5), one heap for each design document. Only
// ModelDatabase uses it.
#pragma once

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

  bool has_validation() const { return has_validation_; }
  struct Refusal {
    bool unauthorized = false;
    std::string reason;
  };
  // validate_doc_update(newDoc, oldDoc, userCtx, secObj); oldDoc null for none.
  std::optional<Refusal> validate(const json::value& new_doc, const json::value& old_doc, const json::value& user,
                                  const json::value& security);
  struct Row {
    json::value key;
    json::value value;
  };
  std::vector<Row> map(const std::string& view, const json::object& doc);
  bool has_view(const std::string& view) const;

 private:
  json::value call(const std::string& function, const json::array& arguments);

  duk_hthread* context_;
  json::object design_doc_;
  bool has_validation_ = false;
};

}  // namespace channels::simulation
