#include "base/utf8.h"

#include <utility>

namespace channels {

namespace {

constexpr char32_t replacement = 0xFFFD;

struct Lead {
  int following;
  char32_t bits;
  char32_t least;  // a smaller value would be an overlong form
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {0, byte, 0};
  if (byte >= 0xC2 && byte < 0xE0) return {1, byte & 0x1FU, 0x80};
  if (byte >= 0xE0 && byte < 0xF0) return {2, byte & 0x0FU, 0x800};
  if (byte >= 0xF0 && byte < 0xF5) return {3, byte & 0x07U, 0x10000};
  return {-1, 0, 0};
}

char32_t take_point(std::string_view& text) {
  const Lead lead = lead_of(static_cast<unsigned char>(text.front()));
  char32_t point = lead.bits;
  bool good = lead.following >= 0 && text.size() > static_cast<std::size_t>(lead.following);
  for (int i = 1; good && i <= lead.following; ++i) {
    const auto byte = static_cast<unsigned char>(text[static_cast<std::size_t>(i)]);
    good = (byte & 0xC0) == 0x80;
    point = (point << 6) | (byte & 0x3FU);
  }
  good = good && point >= lead.least && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
  text.remove_prefix(good ? static_cast<std::size_t>(lead.following) + 1 : 1);
  return good ? point : replacement;
}

}  // namespace

std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> points;
  while (!text.empty()) points.push_back(take_point(text));
  return points;
}

void append_utf8(std::string& text, char32_t point) {
  const auto byte = [&](char32_t value) { text += static_cast<char>(value); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0 | (point >> 6));
    byte(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    byte(0xE0 | (point >> 12));
    byte(0x80 | ((point >> 6) & 0x3F));
    byte(0x80 | (point & 0x3F));
  } else {
    byte(0xF0 | (point >> 18));
    byte(0x80 | ((point >> 12) & 0x3F));
    byte(0x80 | ((point >> 6) & 0x3F));
    byte(0x80 | (point & 0x3F));
  }
}

std::string well_formed(std::string_view text, std::size_t longest) {
  std::string result;
  for (const char32_t point : code_points(text)) {
    std::string next;
    append_utf8(next, point);
    if (result.size() + next.size() > longest) break;
    result += next;
  }
  return result;
}

}  // namespace channels
