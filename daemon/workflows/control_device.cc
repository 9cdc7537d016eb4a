#include "workflows/control_device.h"

#include "base/errors.h"
#include "couch/purger.h"
#include "mail/text.h"
#include "workflows/device_documents.h"
#include "workflows/revocation.h"

namespace channels {

namespace {

constexpr std::size_t longest_device_name = 200;

bool says_revoke(const Document& doc) {
  return doc_state(doc) == "revoke" || doc_state(doc) == "revoked";
}

// The leaf that asks for the device's end; a revoke that lost against a later rename counts too.
std::optional<Document> revoking_leaf(Run& run, const Document& doc) {
  if (says_revoke(doc)) return doc;
  if (!run.has_branches) return std::nullopt;
  // Whoever holds a stolen device may have put thousands beside it.
  return run.database.find_leaf(doc_id(doc), says_revoke);
}

bool belongs_to(const std::optional<Document>& record, const std::string& user) {
  return record && string_or(*record, "user", "") == user;
}

void take_name(Services& services, Document& record, const Document& doc) {
  const auto name = get_string(doc, "name");
  if (!name || code_points(*name).size() > longest_device_name || string_or(record, "name", "") == *name) return;
  record = services.registry.update(doc_id(record), [&](Document& current) {
    current["name"] = *name;
    return true;
  });
}

}  // namespace

Outcome mend_control_device(Services& services, Run& run, const Document& doc) {
  const std::string id = doc_id(doc);
  auto record = services.registry.get(device_record_id(id));
  if (!belongs_to(record, services.user_of(run.database))) {
    if (doc_state(doc) == "error") return Keep{};
    return Save{in_error(doc, "unknown_device", "This is no device of this user.")};
  }
  const auto revoking = revoking_leaf(run, doc);
  // A `revoke` that is still there was not carried out to the end: every step may be repeated.
  if (revoking && (doc_state(*revoking) == "revoke" || doc_state(*record) != "revoked"))
    record = revoke_device(services, id, is_true(*revoking, "wipe"), services.user_of(run.database));
  take_name(services, *record, doc);
  Document copy = control_copy(*record, doc);
  if (same_content(copy, doc)) return Keep{};
  return Save{std::move(copy)};
}

Outcome restore_control_device(Services& services, Run& run, const Document& doc) {
  if (!is_device_id(doc_id(doc))) return Keep{};
  const auto record = services.registry.get(device_record_id(doc_id(doc)));
  if (!belongs_to(record, services.user_of(run.database))) return Keep{};
  return Save{control_copy(*record, {})};
}

void clear_control_copy(Services& services, const std::string& user, const std::string& device_id) {
  Database control(services.server, services.control_database(user));
  for (int tries = 0; tries < 5; ++tries) {
    // Another run was faster: what stands there now is the device's own document, and a `revoke` in it a person's.
    const auto record = services.registry.get(device_record_id(device_id));
    if (!record || doc_state(*record) != "confirmed") return;
    std::vector<Document> ends;
    Purger purger(control);
    for (const Document& leaf : control.leaves(device_id)) {
      if (!is_deleted(leaf)) ends.push_back({{"_id", device_id}, {"_rev", doc_rev(leaf)}, {"_deleted", true}});
      // What is deleted cannot be edited, and counts as well.
      if (is_deleted(leaf) && says_revoke(leaf)) purger.add(device_id, doc_rev(leaf));
    }
    purger.send();
    if (ends.empty()) return;
    control.save_all(ends);
  }
  throw Unavailable("the document of a device to be changes all the time");
}

void put_control_copy(Services& services, const std::string& user, const Document& record) {
  Database control(services.server, services.control_database(user));
  const std::string id = doc_id(control_copy(record, {}));
  for (int tries = 0; tries < 5; ++tries) {
    const auto current = control.get(id);
    // Read after the copy, which may be newer than what the caller knows.
    const Document newest = services.registry.get(device_record_id(id)).value_or(record);
    // Somebody has just asked for its end: that is the rule's to carry out, and would be lost here.
    if (current && says_revoke(*current) && doc_state(newest) != "revoked") return;
    const Document copy = control_copy(newest, current.value_or(Document{}));
    if ((current && same_content(copy, *current)) || control.save(copy).ok()) return;
  }
  throw Unavailable("a device's document in a control database changes all the time");
}

}  // namespace channels
