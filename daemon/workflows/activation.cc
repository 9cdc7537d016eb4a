#include "workflows/activation.h"

#include "provision/databases.h"
#include "provision/design_docs.h"
#include "provision/users.h"
#include "workflows/audit.h"
#include "workflows/control_device.h"
#include "workflows/device_documents.h"
#include "workflows/device_mirror.h"
#include "workflows/group_sharing.h"
#include "workflows/invitation.h"
#include "workflows/revocation.h"

namespace channels {

namespace {

// The user of an address.
Document ensure_user(Services& services, const std::string& address_digest,
                     const std::string& device_id) {
  const std::string id = services.registry.user_id_for(address_digest);
  Document user = services.registry.claim({{"_id", "user-" + id},
                                           {"type", "user"},
                                           {"state", "claimed"},
                                           {"user", id},
                                           {"address", address_digest},
                                           {"first_device", device_id},
                                           {"created", format_time(services.env.wall_now())}});
  services.registry.update(address_record_id(address_digest), [&](Document& address) {
    if (string_or(address, "user", "") == id) return false;
    address["type"] = "address";
    address["user"] = id;
    return true;
  });
  return user;
}

// Safe to enter if it is there: the name is made of a keyed digest, so nobody but the daemon can
// have known it (and only admins make databases).
void ensure_control_database(Services& services, const Document& user) {
  const std::string id = string_or(user, "user", "");
  Database control(services.server, services.control_database(id));
  ensure_database(control, services.options.shards);
  ensure_design_doc(control, "control");
  ensure_security(control, {{role_of(id)}, false, {}, {}});
  if (doc_state(user) == "active") return;
  deliver_invitations(services, string_or(user, "address", ""));
  services.registry.update(doc_id(user), [&](Document& record) {
    if (doc_state(record) == "active") return false;
    record["state"] = "active";
    note_audit(record, {"user made", std::string(by_mailbox), {{"user", id}}}, services.env.wall_now());
    return true;
  });
}

Document make_active(Services& services, const std::string& device_id, const Document& user) {
  return services.registry.update(device_record_id(device_id), [&](Document& record) {
    if (doc_state(record) != "confirmed") return false;
    record["state"] = "active";
    record["user"] = user.at("user");
    record["activated"] = format_time(services.env.wall_now());
    // The user's other devices show it, and the mailbox hears of it: it did so for the first
    // device by the confirmation itself.
    if (string_or(user, "first_device", "") != device_id) record["tell"] = "active";
    // From now on _users has the verifier. Its salt says nothing, and tells later whether it is still that one.
    if (const json::object* credential = get_object(record, "credential"))
      record["log_in_salt"] = string_or(*credential, "salt", "");
    for (const char* key : {"credential", "owner", "expires"}) record.erase(key);
    note_audit(record, {"device active", std::string(by_mailbox), {{"user", record.at("user")}, {"device", device_id}}},
               services.env.wall_now());
    return true;
  });
}

// By now the device counts as active, so that a group which the user comes into meanwhile reaches it, too.
void give_group_roles(Services& services, const Document& record, const std::string& user) {
  if (roles_of_user(services, user) == own_roles(services, user)) return;
  put_current_roles(services, device_of_record(doc_id(record)), user);
}

}  // namespace

void finish_device(Services& services, const Document& record) {
  const std::string code = string_or(record, "device_code", "");
  if (!code.empty()) services.registry.remove("code-" + code);
  const std::string user = string_or(record, "user", "");
  if (user.empty()) return;
  if (doc_state(record) == "active") give_group_roles(services, record, user);
  put_control_copy(services, user, record);
}

Outcome activate_device(Services& services, Run& run, const Document& doc) {
  const std::string id = doc_id(doc);
  const auto record = services.registry.get(device_record_id(id));
  if (!record) return Keep{};
  // A run before this one may not have come to the end.
  if (doc_state(*record) == "active") finish_device(services, *record);
  if (doc_state(*record) == "revoked" || doc_state(*record) == "rejected") delete_user(services.server, id);
  if (doc_state(*record) != "confirmed") return mirror_device(services, run, doc, *record);
  const json::object* credential = get_object(*record, "credential");
  if (credential == nullptr) return Failed{"the record of a confirmed device has no credential", {}};

  const Document user = ensure_user(services, string_or(*record, "address", ""), id);
  const std::string user_id = string_or(user, "user", "");
  ensure_control_database(services, user);
  if (string_or(*record, "answer", "") == answer_yes_alone)
    revoke_others(services, user_id, id);
  clear_control_copy(services, user_id, id);
  put_user(services.server, user_doc(id, own_roles(services, user_id), *credential));
  const Document active = make_active(services, id, user);
  if (doc_state(active) != "active") {
    // Revoked while this run was under way: its log-in must not outlive that.
    delete_user(services.server, id);
    return mirror_device(services, run, doc, active);
  }
  finish_device(services, active);
  return Save{copy_over(services, active, doc)};
}

}  // namespace channels
