// Short ways to read JSON whose shape nobody promised. Every document comes from outside, so the
// getters never throw: a missing key, or a value of another type, is nullopt or null.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/parsed.h"

namespace channels {

namespace json = boost::json;

// The member as a string; nullopt if it is missing or no string. The view lives as long as object.
std::optional<std::string_view> get_string(const json::object& object, std::string_view key);
// The same with a default for what is missing or of another type.
std::string string_or(const json::object& object, std::string_view key, std::string_view fallback);
// A whole number; nullopt if missing, fractional or out of range.
std::optional<std::int64_t> get_int(const json::object& object, std::string_view key);
// The same with a default for what is no such number.
std::int64_t int_or(const json::object& object, std::string_view key, std::int64_t fallback);
// Whether it is the JSON value true; "true" and 1 are not.
bool is_true(const json::object& object, std::string_view key);
// The member as an object; null if it is missing or none. It belongs to the object, here and below.
const json::object* get_object(const json::object& object, std::string_view key);
// The member as an array; null if it is missing or none.
const json::array* get_array(const json::object& object, std::string_view key);

// Parses one JSON text of any size, at most 1000 levels deep.
Parsed<json::value> parse_json(std::string_view text);
// Of a text that parse_json refused: it is JSON, only more than is read here (nested too deep, a number beyond a
// double). Else it is none at all: a proxy's page, an answer cut off.
bool is_json_beyond_limits(std::string_view text);

}  // namespace channels
