#include "base/json.h"

namespace channels {

std::optional<std::string_view> get_string(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const json::string& text = value->get_string();
  return std::string_view(text.data(), text.size());
}

std::string string_or(const json::object& object, std::string_view key, std::string_view fallback) {
  return std::string(get_string(object, key).value_or(fallback));
}

std::optional<std::int64_t> get_int(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return std::nullopt;
  boost::system::error_code wrong;
  const auto number = value->to_number<std::int64_t>(wrong);
  if (wrong) return std::nullopt;
  return number;
}

std::int64_t int_or(const json::object& object, std::string_view key, std::int64_t fallback) {
  return get_int(object, key).value_or(fallback);
}

bool is_true(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object* get_object(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* get_array(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_array();
}

namespace {

json::value parse(std::string_view text, boost::system::error_code& wrong) {
  json::parse_options options;
  options.max_depth = 1000;  // deeper input is an attack on the stack, not a document of anybody's
  return json::parse(json::string_view(text.data(), text.size()), wrong, {}, options);
}

}  // namespace

Parsed<json::value> parse_json(std::string_view text) {
  boost::system::error_code wrong;
  json::value value = parse(text, wrong);
  if (wrong) return Invalid::because("not valid JSON: " + wrong.message());
  return value;
}

bool is_json_beyond_limits(std::string_view text) {
  boost::system::error_code wrong;
  parse(text, wrong);
  for (const json::error limit :
       {json::error::too_deep, json::error::exponent_overflow, json::error::illegal_leading_surrogate,
        json::error::illegal_trailing_surrogate, json::error::object_too_large, json::error::array_too_large,
        json::error::key_too_large, json::error::string_too_large}) {
    if (wrong == limit) return true;
  }
  return false;
}

}  // namespace channels
