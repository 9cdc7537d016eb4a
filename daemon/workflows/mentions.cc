#include "workflows/mentions.h"

#include <algorithm>

namespace channels {

namespace {

constexpr std::string_view in_its_place = "(erased)";

bool is_letter_or_digit_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
}

// Not all that RFC 5322 allows: what stands in quotes, after "mailto:" or "=" is an address, too.
bool continues_local_part(char c) {
  return is_letter_or_digit_byte(c) || c == '.' || c == '_' || c == '+' || c == '-';
}

bool continues_domain(std::string_view rest) {
  if (rest.empty()) return false;
  if (is_letter_or_digit_byte(rest[0]) || rest[0] == '-') return true;
  return rest[0] == '.' && rest.size() > 1 && is_letter_or_digit_byte(rest[1]);
}

// Bytes stay where they are.
std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Of `lower`, from `from` on; npos: none.
std::size_t find_address(std::string_view lower, std::string_view address, std::size_t from) {
  for (std::size_t at = lower.find(address, from); at != lower.npos; at = lower.find(address, at + 1)) {
    const bool begins = at == 0 || !continues_local_part(lower[at - 1]);
    if (begins && !continues_domain(lower.substr(at + address.size()))) return at;
  }
  return lower.npos;
}

std::string without_address(const std::string& text, const std::string& address) {
  if (address.empty()) return text;
  const std::string lower = in_lower_case(text);
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = find_address(lower, address, 0); at != lower.npos; at = find_address(lower, address, done)) {
    out += text.substr(done, at - done);
    out += in_its_place;
    done = at + address.size();
  }
  return out + text.substr(done);
}

std::string without_mentions_in(std::string text, const Mentioned& who) {
  text = without_address(text, who.address);
  for (const std::string& word : who.words) {
    for (std::size_t at = text.find(word); !word.empty() && at != text.npos; at = text.find(word, at + in_its_place.size()))
      text.replace(at, word.size(), in_its_place);
  }
  return text;
}

// As deep as CouchDB takes documents; parse_json allows no deeper ones.
bool value_mentions(const json::value& value, const Mentioned& who) {
  if (const json::string* text = value.if_string()) return mentions(std::string_view(*text), who);
  if (const json::array* array = value.if_array())
    return std::any_of(array->begin(), array->end(), [&](const json::value& entry) { return value_mentions(entry, who); });
  if (const json::object* object = value.if_object()) return mentions(*object, who);
  return false;
}

json::value value_without(const json::value& value, const Mentioned& who) {
  if (const json::string* text = value.if_string()) return json::value(without_mentions_in(std::string(*text), who));
  if (const json::array* array = value.if_array()) {
    json::array out;
    for (const json::value& entry : *array) out.push_back(value_without(entry, who));
    return out;
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return value;
  json::object out;
  for (const auto& [key, member] : *object) out[without_mentions_in(std::string(key), who)] = value_without(member, who);
  return out;
}

}  // namespace

bool mentions(std::string_view text, const Mentioned& who) {
  if (!who.address.empty() && text.size() >= who.address.size() && find_address(in_lower_case(text), who.address, 0) != text.npos) return true;
  return std::any_of(who.words.begin(), who.words.end(), [&](const std::string& word) { return !word.empty() && text.find(word) != text.npos; });
}

bool mentions(const Document& doc, const Mentioned& who) {
  return std::any_of(doc.begin(), doc.end(), [&](const auto& member) {
    return mentions(std::string_view(member.key()), who) || value_mentions(member.value(), who);
  });
}

Document without_mentions(const Document& doc, const Mentioned& who) {
  Document out = value_without(doc, who).as_object();
  for (const char* key : {"_id", "_rev"}) {
    if (const json::value* value = doc.if_contains(key)) out[key] = *value;
  }
  return out;
}

}  // namespace channels
