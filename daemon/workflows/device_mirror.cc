#include "workflows/device_mirror.h"

#include "base/errors.h"
#include "workflows/audit.h"
#include "workflows/device_documents.h"

namespace channels {

namespace {

DevicePlaces places_of(const Services& services, const Document& record) {
  const std::string user = string_or(record, "user", "");
  if (user.empty()) return {};
  const std::string database = services.control_database(user);
  return {database, services.syncpoint(database)};
}

}  // namespace

Document copy_over(const Services& services, const Document& record, const Document& current) {
  Document copy = handshake_copy(record, places_of(services, record));
  const std::string rev = doc_rev(current);
  if (!rev.empty()) copy["_rev"] = rev;
  return copy;
}

Outcome mirror_device(Services& services, Run& run, const Document& doc, const Document& record) {
  Document copy = copy_over(services, record, doc);
  if (same_content(copy, doc)) return Keep{};
  if (!services.handshake_watch.may_mend(doc_id(doc), run.env.mono_now()))
    return Later{run.env.wall_now() + seconds(60)};
  return Save{std::move(copy)};
}

void push_device_copy(Services& services, const Document& record) {
  const std::string id = doc_id(handshake_copy(record, {}));
  for (int tries = 0; tries < 5; ++tries) {
    const Document current = services.handshake.get(id).value_or(Document{{"_id", id}});
    // Read after the copy: the device may have come further since the caller saw its record, and the copy with it.
    const Document newest = services.registry.get(doc_id(record)).value_or(record);
    const Document copy = copy_over(services, newest, current);
    if (same_content(copy, current) || services.handshake.save(copy).ok()) return;
  }
  throw Unavailable("a device's document in the handshake changes all the time");
}

Document end_record(Services& services, std::string_view device_id, std::string_view from,
                    std::string_view state, const json::object& more) {
  std::string code;
  const Document ended = services.registry.update(device_record_id(device_id), [&](Document& record) {
    if (doc_state(record) != from) return false;  // it went another way meanwhile
    code = string_or(record, "device_code", "");
    record["state"] = state;
    record["ended"] = format_time(services.env.wall_now());
    for (const auto& [key, value] : more) record[key] = value;
    for (const char* key : {"owner", "name", "locale", "credential", "expires"})
      record.erase(key);
    // Of what came to nothing by itself there is no entry: else a stranger could fill the registry for ever.
    if (state == "rejected")
      note_audit(record, {"device rejected", std::string(by_mailbox), {{"device", device_id}}}, services.env.wall_now());
    return true;
  });
  // The code stays in the record, to know the proof of the answer already given again; the claim
  // goes, so that another pending device may have it.
  if (!code.empty()) services.registry.remove("code-" + code);
  return ended;
}

Outcome end_device(Services& services, const Document& doc, std::string_view from,
                   std::string_view state, const json::object& error) {
  const json::object more = error.empty() ? json::object() : json::object{{"error", error}};
  return Save{copy_over(services, end_record(services, doc_id(doc), from, state, more), doc)};
}

}  // namespace channels
