#include "calls/differences.h"

#include "base/log.h"

namespace channels {

namespace {

constexpr std::size_t longest_value = 80;

std::string shown(const json::value& value, bool is_there) {
  if (!is_there) return "(none)";
  const std::string text = json::serialize(value);
  return text.size() <= longest_value ? escaped(text) : escaped(text.substr(0, longest_value)) + "...";
}

void add(std::vector<Difference>& found, const std::string& prefix, const json::object& before, const json::object& after) {
  for (const auto& [key, value] : before) {
    if (prefix.empty() && (key == "_id" || key == "_rev")) continue;
    const std::string member = prefix + std::string(key);
    const json::value* now = after.if_contains(key);
    if (now == nullptr) {
      found.push_back({member, value, {}, true, false});
    } else if (value.is_object() && now->is_object()) {
      add(found, member + ".", value.get_object(), now->get_object());
    } else if (value != *now) {
      found.push_back({member, value, *now});
    }
  }
  for (const auto& [key, value] : after) {
    if (prefix.empty() && (key == "_id" || key == "_rev")) continue;
    if (!before.contains(key)) found.push_back({prefix + std::string(key), {}, value, false, true});
  }
}

}  // namespace

std::vector<Difference> differences(const json::object& before, const json::object& after) {
  std::vector<Difference> found;
  add(found, "", before, after);
  return found;
}

std::string line_of(const Difference& difference) {
  return escaped(difference.member) + ": " + shown(difference.before, difference.was_there) + " -> " +
         shown(difference.after, difference.is_there);
}

json::object json_of(const Difference& difference) {
  json::object object{{"member", difference.member}};
  if (difference.was_there) object["before"] = difference.before;
  if (difference.is_there) object["after"] = difference.after;
  return object;
}

}  // namespace channels
