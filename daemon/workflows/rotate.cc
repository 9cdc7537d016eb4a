#include "workflows/rotate.h"

#include <charconv>

#include "provision/users.h"
#include "workflows/audit.h"
#include "workflows/device_documents.h"
#include "workflows/group_sharing.h"

namespace channels {

namespace {

struct RotateId {
  std::string device;
  std::int64_t number = 0;
};

std::optional<RotateId> parse_rotate_id(std::string_view id) {
  constexpr std::string_view prefix = "rotate-";
  constexpr std::size_t device_length = 64;
  if (!id.starts_with(prefix) || id.size() < prefix.size() + device_length + 2) return std::nullopt;
  RotateId parsed;
  parsed.device = id.substr(prefix.size(), device_length);
  const std::string_view number = id.substr(prefix.size() + device_length + 1);
  const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), parsed.number);
  if (failure != std::errc() || end != number.data() + number.size()) return std::nullopt;
  return parsed;
}

Document ended(const Document& doc, WallTime now) {
  return {{"_id", doc.at("_id")},
          {"_rev", doc.at("_rev")},
          {"type", "rotate"},
          {"state", "done"},
          {"finished", format_time(now)}};
}

Outcome refused(const Document& doc, WallTime now, std::string_view error, std::string_view reason) {
  return Save{in_error(ended(doc, now), error, reason)};
}

// Takes the number and its credential into the record at once: a crash after that goes on from there.
Document take_number(Services& services, const RotateId& id, const json::object& credential) {
  return services.registry.update(device_record_id(id.device), [&](Document& record) {
    if (doc_state(record) != "active" || int_or(record, "rotation", 0) + 1 != id.number) return false;
    record["rotation"] = id.number;
    record["credential"] = credential;
    const std::string user = string_or(record, "user", "");
    note_audit(record, {"device rotated", user, {{"user", user}, {"device", id.device}}}, services.env.wall_now());
    return true;
  });
}

void set_log_in(Services& services, const RotateId& id, const Document& record) {
  const json::object* credential = get_object(record, "credential");
  if (credential == nullptr) return;  // an earlier run did it
  put_device_user(services, id.device, string_or(record, "user", ""), *credential);
  const Document now = services.registry.update(doc_id(record), [&](Document& current) {
    if (int_or(current, "rotation", 0) != id.number || doc_state(current) != "active") return false;
    if (const json::object* set = get_object(current, "credential")) current["log_in_salt"] = string_or(*set, "salt", "");
    current.erase("credential");
    return true;
  });
  // Revoked while this run was under way: its log-in must not outlive that.
  if (doc_state(now) != "active") delete_user(services.server, id.device);
}

}  // namespace

Outcome rotate_credential(Services& services, Run& run, const Document& doc) {
  const WallTime now = run.env.wall_now();
  if (run.has_branches) services.handshake_watch.saw_branches(doc_id(doc));
  const auto id = parse_rotate_id(doc_id(doc));
  const json::object* credential = get_object(doc, "credential");
  if (!id || credential == nullptr)
    return refused(doc, now, "bad_rotate", "The document has no device, number and credential.");
  if (!services.registry.get(device_record_id(id->device)))
    return refused(doc, now, "not_active", "This device is not registered.");
  const Document record = take_number(services, *id, *credential);
  // A run before this one may have ended between the log-in and the look at the record.
  if (doc_state(record) == "revoked") delete_user(services.server, id->device);
  if (doc_state(record) != "active")
    return refused(doc, now, "not_active", "Only an active device can change its secret.");
  const std::int64_t number = int_or(record, "rotation", 0);
  if (number != id->number)
    return refused(doc, now, "wrong_number",
                   "The next change of this device's secret has the number " + std::to_string(number + 1) + ".");
  set_log_in(services, *id, record);
  return Save{ended(doc, now)};
}

}  // namespace channels
