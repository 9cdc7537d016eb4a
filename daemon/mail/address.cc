#include "mail/address.h"

#include <algorithm>

#include "mail/text.h"

namespace channels {

namespace {

constexpr std::size_t longest_address = 254;  // RFC 5321, section 4.5.3.1.3
constexpr std::size_t longest_local_part = 64;
constexpr std::size_t longest_label = 63;

bool is_letter_or_digit(char32_t point) {
  return (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z') ||
         (point >= '0' && point <= '9');
}

// RFC 5322's atext, and RFC 6532's letters beyond ASCII.
bool is_atext(char32_t point) {
  constexpr std::u32string_view signs = U"!#$%&'*+-/=?^_`{|}~";
  return is_letter_or_digit(point) || signs.find(point) != signs.npos ||
         (point >= 0x80 && !is_invisible(point) && !is_blank(point));
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > longest_label) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  // ASCII only: mail servers map other letters (a full-width "e", a full-width dot) to these, and one mailbox
  // would have many spellings. An international domain has an ASCII form (RFC 5890).
  return std::all_of(label.begin(), label.end(), [](char c) {
    return is_letter_or_digit(static_cast<unsigned char>(c)) || c == '-';
  });
}

bool is_atom(std::string_view atom) {
  const auto points = code_points(atom);
  return !points.empty() && std::all_of(points.begin(), points.end(), is_atext);
}

// True if every part between the dots is one that `good` accepts.
bool all_parts(std::string_view text, bool (*good)(std::string_view)) {
  for (auto dot = text.find('.'); dot != text.npos; dot = text.find('.')) {
    if (!good(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
  }
  return good(text);
}

std::string folded(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace

Parsed<Address> parse_address(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == text.npos || at == 0)
    return Invalid::because("The owner must be an e-mail address like name@example.com.");
  if (text.size() > longest_address || at > longest_local_part)
    return Invalid::because("The e-mail address is too long.");
  const std::string_view local = text.substr(0, at);
  const std::string_view domain = text.substr(at + 1);
  if (!all_parts(local, is_atom))
    return Invalid::because(
        "The owner must be one plain e-mail address, without name, quotes, blanks or line breaks.");
  if (domain.find('.') == domain.npos || !all_parts(domain, is_label))
    return Invalid::because("The e-mail address has no valid domain after the @; write an international one in its ASCII form, xn--....");
  return Address{std::string(text), folded(text), folded(domain)};
}

}  // namespace channels
