// The parts of an answer, taken with care: one of another shape than CouchDB's was not CouchDB's (a proxy's page, a
// cache) and counts as no answer at all. Used by server.cc and database.cc.
#pragma once

#include <string_view>

#include "base/json.h"

namespace channels {

// Each throws Unavailable, naming `what` was asked for.
json::object& object_in(json::value& answer, std::string_view what);
json::array& array_in(json::value& answer, std::string_view what);
// The array under that key of an object.
json::array& array_in(json::value& answer, std::string_view key, std::string_view what);
std::string string_in(const json::value& answer, std::string_view what);
// A seq: a string, or a whole number in CouchDB 1.x and PouchDB.
std::string seq_in(json::value& answer, std::string_view key, std::string_view what);

[[noreturn]] void throw_strange_answer(std::string_view what);

}  // namespace channels
