#include "couch/document.h"

#include <algorithm>
#include <charconv>

namespace channels {

namespace {

bool same_value(const json::value& left, const json::value& right);

bool same_member(const json::key_value_pair& member, const json::object& in) {
  const json::value* other = in.if_contains(member.key());
  return other != nullptr && same_value(member.value(), *other);
}

bool same_object(const json::object& left, const json::object& right) {
  return left.size() == right.size() &&
         std::all_of(left.begin(), left.end(), [&](const auto& member) { return same_member(member, right); });
}

// Whole numbers to the last digit, which a double does not hold.
bool same_value(const json::value& left, const json::value& right) {
  if (left.is_object() && right.is_object()) return same_object(left.get_object(), right.get_object());
  if (left.is_array() && right.is_array())
    return std::equal(left.get_array().begin(), left.get_array().end(), right.get_array().begin(),
                      right.get_array().end(), same_value);
  if (left.is_double() != right.is_double() && left.is_number() && right.is_number())
    return left.to_number<double>() == right.to_number<double>();
  return left == right;
}

}  // namespace

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

bool tells_error(const Document& doc, std::string_view error) {
  const json::object* told = get_object(doc, "error");
  return told != nullptr && string_or(*told, "error", "") == error;
}

bool same_content(const Document& left, const Document& right) {
  return left.size() - left.count("_rev") == right.size() - right.count("_rev") &&
         std::all_of(left.begin(), left.end(), [&](const auto& member) {
           return member.key() == "_rev" || same_member(member, right);
         });
}

}  // namespace channels
