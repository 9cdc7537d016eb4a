#include "workflows/overruled.h"

#include <algorithm>

#include "workflows/extent.h"

namespace channels {

namespace {

constexpr std::size_t most_entries = 10;
constexpr std::size_t largest_entry = 4000;
constexpr std::size_t largest_list = 8000;
// CouchDB's own revs are shorter; one that a forger made long must not take the others' place.
constexpr std::size_t longest_rev = 100;
constexpr std::size_t most_left_out = 20;
constexpr std::size_t longest_left_out = 100;
// Validation allows 20 levels: the document, the list and the entry are three of them.
constexpr int deepest_overruled = 17;

std::string_view view(const json::string& text) {
  return {text.data(), text.size()};
}

bool is_left_out(const Document& entry, std::string_view key) {
  const json::array* names = get_array(entry, "left_out");
  return names != nullptr &&
         std::any_of(names->begin(), names->end(), [&](const json::value& name) {
           return name.is_string() && view(name.get_string()) == key;
         });
}

}  // namespace

void Overruled::add_entries(const Document& leaf) {
  const json::array* entries = get_array(leaf, "overruled");
  if (entries == nullptr) return;
  for (const json::value& element : *entries) {
    const json::object* entry = element.if_object();
    if (entry == nullptr) continue;
    more_ = more_ || is_true(*entry, "more");
    const auto rev = get_string(*entry, "rev");
    if (!rev) continue;
    for (const auto& [key, value] : *entry) {
      if (key != "rev" && key != "left_out") add(*rev, key, value);
    }
    const json::array* left_out = get_array(*entry, "left_out");
    if (left_out == nullptr) continue;
    for (const json::value& name : *left_out) {
      if (name.is_string()) leave_out(entry_of(*rev), view(name.get_string()));
    }
  }
}

void Overruled::add(std::string_view rev, std::string_view key, const json::value& value) {
  if (rev.size() > longest_rev) {
    more_ = true;
    return;
  }
  Entry& entry = entry_of(rev);
  if (key == "rev" || key == "left_out") {  // an app's member of that name has no place here
    leave_out(entry, key);
    return;
  }
  if (entry.doc.contains(key) || is_left_out(entry.doc, key)) return;
  const std::size_t more = size_of_member(key, value);
  if (entry.size + more > largest_entry || extent_of(value).levels > deepest_overruled) {
    leave_out(entry, key);
    return;
  }
  entry.size += more;
  entry.doc[key] = value;
}

json::array Overruled::list() const {
  json::array list;
  std::size_t size = 2;
  bool more = more_;
  for (auto at = entries_.rbegin(); at != entries_.rend(); ++at) {
    const Document& entry = at->second.doc;
    if (entry.size() < 2) continue;  // its rev alone says nothing
    size += extent_of(entry).characters + 1;
    if (list.size() == most_entries || size > largest_list) {
      more = true;
      break;
    }
    list.emplace_back(entry);
  }
  if (more) list.emplace_back(json::object{{"more", true}});
  return list;
}

Overruled::Entry& Overruled::entry_of(std::string_view rev) {
  const auto [found, added] = entries_.try_emplace({parse_rev(rev), std::string(rev)});
  if (added) found->second.doc["rev"] = rev;
  return found->second;
}

void Overruled::leave_out(Entry& entry, std::string_view key) {
  if (is_left_out(entry.doc, key)) return;
  json::value& names = entry.doc["left_out"];
  if (names.is_null()) names.emplace_array();
  json::array& list = names.get_array();
  if (list.size() < most_left_out && key.size() <= longest_left_out) {
    list.emplace_back(key);
  } else if (!is_left_out(entry.doc, "*")) {
    list.emplace_back("*");
  }
}

}  // namespace channels
