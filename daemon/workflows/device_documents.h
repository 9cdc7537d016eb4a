// What a device's registration is made of, as pure functions: the proofs in ids, the codes, and the
// copies of a device's record that its documents in the handshake and the control database are.
// Used by every workflow that touches a device. The rules are those of docs/documents.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "couch/document.h"

namespace channels {

// --- proofs ---

// Lower-case hex SHA-256 of owner + "\n" + salt + "\n" + derived_key: the _id that a device document
// with these must have. nullopt if one of them is missing.
std::optional<std::string> device_id_for(const Document& device);
// The document's _id belongs to its owner and credential; nothing else of it is proven.
bool proves_its_id(const Document& device);
// 64 lower-case hex digits, as every device's id has.
bool is_device_id(std::string_view id);

// Hex SHA-256 of device + "\n" + answer + "\n" + proof: the _id of a confirm.
std::string confirm_id_for(std::string_view device, std::string_view answer, std::string_view proof);

// --- codes ---

// Eight letters as XXXX-XXXX, of BCDFGHJKLMNPQRSTVWXZ: no vowels, so that no word comes out.
// `random`: 64 bytes that nobody can guess.
std::string device_code_from(std::string_view random);
// The codes that this device may get: the first of them that no other pending device shows.
constexpr int most_device_codes = 4;
std::string device_code_candidate(std::string_view codes_key, std::string_view device_id, int number);
// The code of the mail with that number about `subject`, a device id or an address key: hex
// HMAC-SHA-256. Made anew wherever it is needed, stored nowhere.
std::string confirm_code(std::string_view codes_key, std::string_view subject, std::int64_t number);
// What the confirmation page computes: hex HMAC-SHA-256 with the code's hex digits as key over the
// answer, "\n" and the device code in upper case without dash; for "not me" the answer alone.
std::string proof_for(std::string_view code, std::string_view answer, std::string_view device_code);

constexpr std::string_view answer_yes = "yes";
constexpr std::string_view answer_yes_alone = "yes, sign out all others";
constexpr std::string_view answer_not_me = "not me";

// --- copies ---

// What goes into the copies besides the record.
struct DevicePlaces {
  std::string control_database;
  std::string syncpoint;
};

// The handshake's copy of a device's record, without _rev: always _id, type, state; then by state
//   new: as it was sent · confirming: device_code, expires · active: user, username,
//   control_database, syncpoint · revoked: wipe · error: error · all others: nothing more
Document handshake_copy(const Document& record, const DevicePlaces& places);

// The control database's copy: `existing` (empty at first) with all that the daemon owns put right:
// type, state, user, username, created, activated, revoked_at, and wipe once it is revoked. The name
// and every unknown member are the user's and stay. Never a credential or a code.
Document control_copy(const Document& record, Document existing);

// What is left of a record for thirty days: {"_id", "_rev", "type": "forgotten", "state", "until"}. Enough to know the id when a carrier
// brings the registration once more.
Document bare_digest(const Document& record, std::string_view state, WallTime now);

}  // namespace channels
