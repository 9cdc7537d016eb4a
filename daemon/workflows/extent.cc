#include "workflows/extent.h"

#include <algorithm>

namespace channels {

namespace {

constexpr std::size_t longest_number = 25;

std::size_t characters_of(std::string_view text) {
  std::size_t count = 2;
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20) {
      count += 6;
    } else {
      count += value == '"' || value == '\\' ? 2 : 1;
    }
  }
  return count;
}

}  // namespace

// Calls itself as deep as the parser lets a document be (base/json.h).
Extent extent_of(const json::value& value) {
  Extent extent{2, 0};
  const auto add = [&](std::size_t key, const json::value& inner) {
    const Extent part = extent_of(inner);
    extent.characters += key + part.characters + 1;
    extent.levels = std::max(extent.levels, part.levels);
  };
  if (const json::string* text = value.if_string())
    return {characters_of({text->data(), text->size()}), 0};
  if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array) add(0, element);
    return {extent.characters, extent.levels + 1};
  }
  if (const json::object* object = value.if_object()) {
    for (const auto& [key, inner] : *object) add(characters_of(key) + 1, inner);
    return {extent.characters, extent.levels + 1};
  }
  return {longest_number, 0};
}

std::size_t size_of_member(std::string_view key, const json::value& value) {
  return characters_of(key) + 1 + extent_of(value).characters + 1;
}

std::size_t size_without(const Document& doc, std::string_view left_out) {
  std::size_t size = 2;
  for (const auto& [key, value] : doc) {
    if (!key.starts_with('_') && key != left_out) size += size_of_member(key, value);
  }
  return size;
}

std::size_t javascript_length(std::string_view text) {
  std::size_t count = 0;
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if (value >= 0xf0) {
      count += 2;
    } else if ((value & 0xc0) != 0x80) {
      ++count;
    }
  }
  return count;
}

}  // namespace channels
