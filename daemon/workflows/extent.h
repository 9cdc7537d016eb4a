// How large and how deep a JSON value is, as validation of control databases measures it. For
// whoever puts members of several documents into one (conflicts.h) and must not make one that no
// device may edit any more. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "couch/document.h"

namespace channels {

struct Extent {
  std::size_t characters = 0;  // at most so many in its JSON text, whoever writes that
  int levels = 0;              // of arrays and objects in each other; 0 for a string or a number
};

Extent extent_of(const json::value& value);
// Of `"key":value,` in an object.
std::size_t size_of_member(std::string_view key, const json::value& value);
// Of all members but CouchDB's own (_id, _rev, …) and the one named.
std::size_t size_without(const Document& doc, std::string_view left_out);
// Length of a string as JavaScript counts it.
std::size_t javascript_length(std::string_view text);

}  // namespace channels
