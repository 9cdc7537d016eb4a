// The pairing of this machine with a cloud, a document of the local registry (admins only):
//
//   {"_id": "pairing", "type": "pairing", "state", "cloud", "handshake", "device", "owner", "name",
//   "locale",
//    "credential": {...}, "secret", "local_secret", "allow_wipe"[, "device_code", "expires"]
//    [, "user", "control_database", "syncpoint"][, "error"][, "wipe_due"]} and what rotation.h says
//
// state: `waiting` (made, not in the cloud yet) -> `new` -> `confirming` -> `confirmed` ->
// `active`, as the device's document in the cloud's handshake says; or `expired`, `rejected`,
// `error`, `revoked`. The secret is in no other document but the local _replicator's. `pair` makes
// it, the daemon and `pair` carry it on, whichever comes first.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "device_role/device_services.h"

namespace channels {

struct PairingWish {
  std::string cloud;      // as parse_cloud_url gives it
  std::string handshake;  // the cloud's handshake database
  std::string owner;
  std::string name{};
  std::string locale{};
  bool allow_wipe = false;
};

struct NewSecret {
  std::string secret;
  json::object credential;  // its verifier
};
NewSecret new_secret(Env& env);
// A new secret with its verifier and id, in state `waiting`.
Document new_pairing(Env& env, const PairingWish& wish);
// PBKDF2 with SHA-1, one iteration, 20 bytes, of the secret's and the salt's hex digits as text:
// what a device's document carries. `salt`: 32 hex digits.
json::object verifier_for(std::string_view secret, std::string_view salt);
// The document for the cloud's handshake. Pure.
Document device_document(const Document& pairing);
// What the pairing is after the cloud's handshake document said this; the same where it says
// nothing new. A copy that says `new` may be anybody's. Pure.
Document after_answer(Document pairing, const Document& answer);
// The document was answered and is gone. Pure.
Document after_expiry(Document pairing);
// By the cloud's word, and by its refusal of our log-in. Without the secret; with `wipe_due` where
// the revoker wishes it and the owner of this machine allowed it at pairing. Pure.
Document after_revocation(Document pairing, const Document& answer);

// `waiting`, `new`, `confirming` or `confirmed`: the cloud is to be asked.
bool is_pending(const Document& pairing);
bool is_active(const Document& pairing);

std::optional<Document> load_pairing(const DeviceServices& services);
// Lets `change` make the next state of whatever is there, and saves it; again after a conflict.
// Gives what is there then; a pairing of another device than `device` is left alone.
Document update_pairing(const DeviceServices& services, const std::string& device,
                        const std::function<Document(Document)>& change);

}  // namespace channels
