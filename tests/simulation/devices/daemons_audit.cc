// Scenario "daemons", the audit: at the end each act that the registry's records show has one entry, written or still in its
// record, whoever was killed when, and none was changed.
#include <map>

#include "simulation/devices/daemons_world.h"
#include "simulation/devices/names.h"
#include "workflows/audit.h"

namespace channels::simulation {

namespace {

// In an entry's time and a record's alike.
constexpr std::size_t to_the_second = 19;

std::string act_of(const Document& entry) {
  return string_or(entry, "what", "") + " " + string_or(entry, "channel", string_or(entry, "device", ""));
}

// Which membership came of it: the record has the second, too.
std::string membership(const std::string& channel, const std::string& user, const std::string& time, const std::string& access) {
  return "membership " + channel + " " + user + " " + time.substr(0, to_the_second) + " " + access;
}

}  // namespace

void DaemonsWorld::check_audit() {
  std::map<std::string, Document> entries;  // by id: one that is in its record as well is one
  for (const auto& [id, tree] : cloud_.find(registry)->docs()) {
    const auto doc = cloud_.find(registry)->read(id);
    if (!doc) continue;
    if (doc_type(*doc) == "audit") entries.emplace(id, *doc);
    for (const Document& held : noted_audits(*doc)) entries.emplace(doc_id(held), held);
  }
  std::map<std::string, int> counts;
  for (const auto& [id, entry] : entries) {
    if (!is_as_written(entry)) scheduler_.fail("an entry of the audit was changed: " + json::serialize(entry));
    if (json::serialize(entry).find('@') != std::string::npos) scheduler_.fail("an address is in " + id);
    ++counts[act_of(entry)];
    if (string_or(entry, "what", "").starts_with("member "))
      ++counts[membership(string_or(entry, "channel", ""), string_or(entry, "user", ""), string_or(entry, "at", ""), string_or(entry, "access", "none"))];
  }
  for (const auto& [id, tree] : cloud_.find(registry)->docs()) {
    if (const auto doc = cloud_.find(registry)->read(id)) check_entries_of(*doc, counts);
  }
}

void DaemonsWorld::check_entries_of(const Document& record, const std::map<std::string, int>& counts) {
  const auto expect = [&](const std::string& act, bool may_be_more) {
    const auto found = counts.find(act);
    const int count = found == counts.end() ? 0 : found->second;
    if (count == 1 || (may_be_more && count > 1)) return;
    scheduler_.fail("the audit has " + std::to_string(count) + " entries of " + act);
  };
  // Where fewer copies than a quorum took a save, a race may have taken it back: then its act was done twice.
  const bool may_be_twice = settings_.cluster;
  const std::string type = doc_type(record), state = doc_state(record);
  if (type == "device") {
    const std::string device = doc_id(record).substr(std::string_view("device-").size());
    if (record.contains("activated")) expect("device active " + device, may_be_twice);
    if (state == "revoked" || state == "rejected") expect("device " + state + " " + device, may_be_twice);
  }
  if ((type != "channel" && type != "group") || state != "ready") return;
  const std::string channel = doc_id(record).substr(std::string_view("channel-").size());
  expect(type + " made " + channel, may_be_twice);
  const json::object* members = get_object(record, "members");
  if (members == nullptr) return;
  for (const auto& [user, member] : *members) {
    const json::object& entry = member.as_object();
    // Two wishes of one second may be alike.
    if (string_or(entry, "by", "") != "made")
      expect(membership(channel, user, string_or(entry, "since", ""), string_or(entry, "access", "")), true);
  }
}

}  // namespace channels::simulation
