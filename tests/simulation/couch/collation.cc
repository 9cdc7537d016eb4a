#include "simulation/couch/collation.h"

#include <algorithm>
#include <array>

namespace channels::simulation {

namespace {

// ASCII in ICU's root order; letters stand once, in lower case. What is missing (control characters) weighs nothing.
constexpr std::string_view root_order =
    "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz";

constexpr std::array<int, 256> make_weights() {
  std::array<int, 256> weights{};
  for (std::size_t i = 0; i < root_order.size(); ++i) {
    const char c = root_order[i];
    weights[static_cast<unsigned char>(c)] = static_cast<int>(i) + 1;
    if (c >= 'a' && c <= 'z') weights[static_cast<unsigned char>(c - 'a' + 'A')] = static_cast<int>(i) + 1;
  }
  for (int byte = 128; byte < 256; ++byte) weights[static_cast<std::size_t>(byte)] = 1000 + byte;
  return weights;
}

constexpr std::array<int, 256> weights = make_weights();

int weight(char c) {
  return weights[static_cast<unsigned char>(c)];
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

// The next character that weighs anything.
std::size_t next(std::string_view text, std::size_t at) {
  while (at < text.size() && weight(text[at]) == 0) ++at;
  return at;
}

int rank(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return 0;
    case json::kind::bool_: return value.get_bool() ? 2 : 1;
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_: return 3;
    case json::kind::string: return 4;
    case json::kind::array: return 5;
    case json::kind::object: return 6;
  }
  return 0;
}

int sign(double difference) {
  return difference < 0 ? -1 : difference > 0 ? 1 : 0;
}

int sign(std::size_t left, std::size_t right) {
  return left < right ? -1 : left > right ? 1 : 0;
}

int collate_objects(const json::object& left, const json::object& right) {
  auto a = left.begin();
  auto b = right.begin();
  for (; a != left.end() && b != right.end(); ++a, ++b) {
    if (const int order = collate_text(a->key(), b->key()); order != 0) return order;
    if (const int order = collate(a->value(), b->value()); order != 0) return order;
  }
  return sign(left.size(), right.size());
}

int collate_arrays(const json::array& left, const json::array& right) {
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    if (const int order = collate(left[i], right[i]); order != 0) return order;
  }
  return sign(left.size(), right.size());
}

}  // namespace

int collate_text(std::string_view left, std::string_view right) {
  int by_case = 0;
  std::size_t a = next(left, 0);
  std::size_t b = next(right, 0);
  while (a < left.size() && b < right.size()) {
    const int difference = weight(left[a]) - weight(right[b]);
    if (difference != 0) return difference;
    if (by_case == 0) by_case = static_cast<int>(is_upper(left[a])) - static_cast<int>(is_upper(right[b]));
    a = next(left, a + 1);
    b = next(right, b + 1);
  }
  if (a < left.size()) return 1;
  if (b < right.size()) return -1;
  return by_case;
}

int collate(const json::value& left, const json::value& right) {
  if (rank(left) != rank(right)) return rank(left) - rank(right);
  if (left.is_number()) return sign(left.to_number<double>() - right.to_number<double>());
  if (left.is_string()) return collate_text(left.get_string(), right.get_string());
  if (left.is_array()) return collate_arrays(left.get_array(), right.get_array());
  if (left.is_object()) return collate_objects(left.get_object(), right.get_object());
  return 0;
}

}  // namespace channels::simulation
