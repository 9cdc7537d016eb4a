#include "mail/harmless_name.h"

#include <algorithm>

#include "mail/text.h"

namespace channels {

namespace {

constexpr std::size_t most_characters = 40;

// Mail readers and IDNA take each of these for the ASCII sign.
bool makes_links(char32_t point) {
  constexpr std::u32string_view signs = U"/:@\\<>[]%\u2044\u2215\u29F8\uFF0F\uFF1A\uA789\u2236\uFF20\uFE6B\uFE55\uFF3C";
  return signs.find(point) != signs.npos;
}

bool is_dot(char32_t point) {
  constexpr std::u32string_view dots = U".\u3002\uFF0E\uFF61\u2024\u00B7\uFE52";
  return dots.find(point) != dots.npos;
}

}  // namespace

std::string harmless_name(std::string_view name, bool confirmed_before) {
  std::string line = single_line(name);
  if (confirmed_before) return line;
  std::vector<char32_t> points = code_points(line);
  std::erase_if(points, makes_links);
  std::string shown;
  std::size_t count = 0;
  for (std::size_t i = 0; i < points.size() && count < most_characters; ++i, ++count) {
    const bool ends_a_word = i + 1 == points.size() || points[i + 1] == ' ';
    append_utf8(shown, is_dot(points[i]) && !ends_a_word ? U' ' : points[i]);
  }
  return single_line(shown);
}

}  // namespace channels
