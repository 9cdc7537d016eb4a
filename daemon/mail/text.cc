#include "mail/text.h"

#include <utility>

namespace channels {

bool is_invisible(char32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0xAD || point == 0x061C ||
         point == 0x180E || (point >= 0x200B && point <= 0x200F) ||
         (point >= 0x2028 && point <= 0x202E) || (point >= 0x2060 && point <= 0x206F) ||
         point == 0xFEFF || (point >= 0xFFF9 && point <= 0xFFFD) || point >= 0xE0000;
}

bool is_blank(char32_t point) {
  return point == ' ' || point == 0xA0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200A) ||
         point == 0x202F || point == 0x205F || point == 0x3000;
}

std::string single_line(std::string_view text) {
  std::string line;
  bool gap = false;
  for (const char32_t point : code_points(text)) {
    if (is_blank(point) || is_invisible(point)) {
      gap = !line.empty();
      continue;
    }
    if (std::exchange(gap, false)) line += ' ';
    append_utf8(line, point);
  }
  return line;
}

}  // namespace channels
