// The workflows' part of the registry: the daemon's own memory of users, devices, addresses and
// channels, and the claims of ids. It is the truth; documents in handshake and control databases
// are copies of it. Only the daemon and admins reach it.
//
//   "codes-key"                {"type": "codes-key", "key": "<64 hex digits>"}
//   "device-<device id>"       {"type": "device", "state", "owner", "name", "locale", "credential", "address",
//                               "device_code", "expires", "user", ...}   (device_documents.h)
//   "address-<digest>"         {"type": "address", "address", "key", "user", "mails", "collective"}
//   "addresskey-<key>"         {"type": "addresskey", "address": "<digest>"}
//   "code-<device code>"       {"type": "code", "device"}
//   "user-<user id>"           {"type": "user", "state": "claimed" | "active", "address", "first_device"}
//   "channel-<channel id>"     {"type": "channel", "state": "claimed" | "making" | "ready" | "deleted" | "removing" | "gone", "user",
//                               "name", "members", ...}   (members.h, channel_ends.h), "template", "template_failed"
//                               (rollout/rollout_state.h), "at_once" (channel_claims.h)
//   "channel-<group id>"       {"type": "group", "state", "user", "name", "members", ...}   (groups.h)
//   "follower-<digest>"        {"type": "follower", "state", "channel", "user"}   (publication.h)
//   "invitation-<digest>"      {"type": "invitation", "state", "user", "channel", ...}   (invitation_documents.h)
//   "link-<digest>"            {"type": "link", "state", "user", "channel", "taken", ...}   (link.h)
//   "channelname-<digest>"     {"type": "channelname", "channel", "user"}
//
//   "audit-<time>-<digest>"    {"type": "audit", ...}   (audit.h); each of the others may hold some that wait, as "audit"
//
// What runs that go side by side save here goes out together (couch/joint_saves.h).
//
// An address' digest is the SHA-256 of its folded form, so that no address is in an id.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "couch/database.h"
#include "couch/joint_saves.h"
#include "workflows/audit_queue.h"

namespace channels {

std::string device_record_id(std::string_view device_id);
// The device's id, of its record's.
std::string device_of_record(std::string_view record_id);
std::string address_record_id(std::string_view address_digest);

class Registry {
 public:
  Registry(Env& env, Database database);

  std::optional<Document> get(std::string_view id);

  // Reads the document (a new one has nothing but its _id), lets `change` alter it, saves; again
  // after a conflict. `change` returns false to leave it as it is. Gives the document as it then is. What `change` notes for the
  // audit (audit.h) is written soon after.
  Document update(std::string_view id, const std::function<bool(Document&)>& change);
  // The same without reading at first: `known` is as the caller has just read or written it.
  Document update(const Document& known, const std::function<bool(Document&)>& change);

  // The same for what an unsafe handler writes after its act: tried again until the deadline while the server is away. Given up
  // at once, it would be a failure, and the engine would run the handler, and so the act, once more.
  Document update_after_act(MonoTime deadline, std::string_view id, const std::function<bool(Document&)>& change);

  // Makes the document unless there is one with its id; gives whichever is there. The caller looks
  // whether it is its own claim. Throws Unavailable where no quorum has it, and takes it back: a claim that a
  // partition could give to two is none.
  Document claim(const Document& doc);
  // Several at once, each for itself: which of them were made now. Those have their _rev then.
  std::vector<bool> claim_all(std::vector<Document>& docs);
  void remove(std::string_view id);

  // Writes them at once, and gives how many are there then. For who cannot wait for the engine to take them along, and before
  // a record that holds some is removed.
  std::size_t write_audits(const std::vector<Document>& entries);
  AuditQueue& audits() { return audits_; }

  // HMAC key of all codes, made at the first use.
  std::string codes_key();

  // The id of the user whom an address has, or would have. It follows from the address and the registry's key, so that two devices
  // confirmed at once cannot make two users of one address; without the key it says nothing.
  std::string user_id_for(std::string_view address_digest);

  // Ids of the user's devices in that state.
  std::vector<std::string> devices_of(std::string_view user_id, std::string_view state);

  struct Pending {
    std::string device_id;
    std::string device_code;
  };
  // The unconfirmed devices of an address that have a code to type.
  std::vector<Pending> pending_devices(std::string_view address_digest);

  Database& database() { return database_; }

 private:
  bool try_change(Document& doc, const std::function<bool(Document&)>& change);
  bool is_made(Document& doc, const Saved& saved);
  void withdraw_unsure(const std::string& id);

  Env& env_;
  Database database_;
  JointSaves joint_;
  AuditQueue audits_;
  std::mutex mutex_;
  std::string codes_key_;                      // guarded by mutex_
  std::map<std::string, std::string> unsure_;  // revs of claims that no quorum has, by id; guarded by mutex_
};

}  // namespace channels
