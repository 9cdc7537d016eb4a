#include "couch/document.h"

#include <charconv>

namespace channels {

std::string doc_id(const Document& doc) {
  return string_or(doc, "_id", "");
}
std::string doc_rev(const Document& doc) {
  return string_or(doc, "_rev", "");
}
std::string doc_type(const Document& doc) {
  return string_or(doc, "type", "");
}
std::string doc_state(const Document& doc) {
  return string_or(doc, "state", "");
}
bool is_deleted(const Document& doc) {
  return is_true(doc, "_deleted");
}

Rev parse_rev(std::string_view rev) {
  Rev parsed;
  const std::size_t dash = rev.find('-');
  if (dash == std::string_view::npos) return parsed;
  std::from_chars(rev.data(), rev.data() + dash, parsed.generation);
  parsed.hash = rev.substr(dash + 1);
  return parsed;
}

Document in_state(Document doc, std::string_view state) {
  doc["state"] = json::string(state.data(), state.size());
  return doc;
}

Document in_error(Document doc, std::string_view error, std::string_view reason) {
  doc["error"] = {{"error", json::string(error.data(), error.size())},
                  {"reason", json::string(reason.data(), reason.size())}};
  return in_state(std::move(doc), "error");
}

bool same_content(const Document& left, const Document& right) {
  Document a = left;
  Document b = right;
  a.erase("_rev");
  b.erase("_rev");
  return a == b;
}

}  // namespace channels
