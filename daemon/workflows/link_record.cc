#include "workflows/link_record.h"

#include <algorithm>

#include "base/digest.h"
#include "workflows/audit.h"

namespace channels {

namespace {

constexpr std::size_t code_digits = 32;
// Of a cause's digest: who joins chooses a part of the cause, the revision, and must find no two alike.
constexpr std::size_t use_digits = 32;

std::string use_of(const std::string& cause) {
  return sha256_hex(cause).substr(0, use_digits);
}

bool contains_use(const json::array& taken, const std::string& use) {
  return std::find(taken.begin(), taken.end(), json::value(use)) != taken.end();
}

}  // namespace

bool is_link_code(std::string_view code) {
  return is_lower_hex(code, code_digits);
}

std::string link_record_id(std::string_view channel_id, std::string_view code) {
  return "link-" + sha256_hex(std::string(channel_id) + "\n" + std::string(code));
}

bool is_link_past(const Document& record, WallTime now) {
  const auto expires = parse_time(string_or(record, "expires", ""));
  return doc_state(record) == "open" && (!expires || *expires <= now);
}

bool take_use(Document& record, const std::string& cause) {
  if (doc_state(record) != "open") return false;
  json::array taken;
  if (const json::array* before = get_array(record, "taken")) taken = *before;
  const std::string use = use_of(cause);
  if (contains_use(taken, use)) return false;
  const auto uses = static_cast<std::size_t>(int_or(record, "uses", 0));
  if (taken.size() >= uses) return false;
  taken.emplace_back(use);
  if (taken.size() == uses) record["state"] = "used";
  record["taken"] = std::move(taken);
  return true;
}

bool has_use(const Document& record, const std::string& cause) {
  const json::array* taken = get_array(record, "taken");
  return taken != nullptr && contains_use(*taken, use_of(cause));
}

void note_link(Document& record, std::string_view what, std::string_view by, WallTime now) {
  note_audit(record,
             {"link " + std::string(what),
              std::string(by),
              {{"link", doc_id(record)}, {"channel", string_or(record, "channel", "")}, {"access", string_or(record, "access", "")}}},
             now);
}

Document makers_copy(const Document& record, Document doc) {
  for (const char* key : {"channel", "access", "uses", "expires"}) {
    if (const json::value* value = record.if_contains(key)) doc[key] = *value;
  }
  doc["state"] = doc_state(record);
  doc.erase("error");
  doc.erase("days");
  return doc;
}

}  // namespace channels
