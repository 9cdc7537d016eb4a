#include "workflows/audit.h"

#include <algorithm>

#include "base/digest.h"

namespace channels {

namespace {

constexpr std::size_t entry_digest_digits = 32;

// Of all members but CouchDB's own, in whatever order they come back.
std::string id_of_content(const Document& entry) {
  std::vector<std::string> lines;
  for (const auto& [key, value] : entry) {
    if (!key.starts_with('_')) lines.push_back(std::string(key) + "=" + json::serialize(value));
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return "audit-" + string_or(entry, "at", "") + "-" + sha256_hex(text).substr(0, entry_digest_digits);
}

Document entry_of(const Deed& deed, WallTime now, const std::string& after) {
  Document entry{{"type", "audit"}, {"at", audit_time(now)}, {"what", deed.what}, {"by", deed.by}};
  for (const auto& [key, value] : deed.about) {
    if (value != json::value("")) entry[key] = value;
  }
  // Which change of the record it was: two that are alike, within one millisecond, are two.
  if (!after.empty()) entry["after"] = after;
  entry["_id"] = id_of_content(entry);
  return entry;
}

}  // namespace

std::string audit_time(WallTime time) {
  const auto ms = std::chrono::floor<milliseconds>(time.time_since_epoch()).count() % 1000;
  std::string text = format_time(time);
  text.insert(text.size() - 1, "." + std::to_string(1000 + ms).substr(1));
  return text;
}

Document audit_entry(const Deed& deed, WallTime now) {
  return entry_of(deed, now, "");
}

void note_audit(Document& record, const Deed& deed, WallTime now) {
  Document entry = entry_of(deed, now, doc_rev(record));
  json::value& noted = record["audit"];
  if (!noted.is_array()) noted = json::array();
  json::array& entries = noted.as_array();
  const auto is_same = [&](const json::value& other) { return other == json::value(entry); };
  if (std::none_of(entries.begin(), entries.end(), is_same)) entries.push_back(std::move(entry));
}

std::vector<Document> noted_audits(const Document& record) {
  std::vector<Document> noted;
  if (const json::array* entries = get_array(record, "audit")) {
    for (const json::value& entry : *entries) {
      if (entry.is_object() && doc_id(entry.get_object()).starts_with("audit-")) noted.push_back(entry.get_object());
    }
  }
  return noted;
}

bool is_as_written(const Document& entry) {
  return doc_id(entry) == id_of_content(entry);
}

}  // namespace channels
