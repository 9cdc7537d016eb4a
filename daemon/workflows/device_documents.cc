#include "workflows/device_documents.h"

#include <algorithm>

#include "base/check.h"
#include "base/digest.h"
#include "provision/users.h"

namespace channels {

namespace {

constexpr std::chrono::hours kept_digest{30 * 24};
constexpr std::string_view code_letters = "BCDFGHJKLMNPQRSTVWXZ";

void copy_members(const Document& from, Document& to, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (const json::value* value = from.if_contains(key)) to[key] = *value;
  }
}

std::string id_of_record(const Document& record) {
  return doc_id(record).substr(std::string_view("device-").size());
}

}  // namespace

std::optional<std::string> device_id_for(const Document& device) {
  const json::object* credential = get_object(device, "credential");
  const auto owner = get_string(device, "owner");
  if (credential == nullptr || !owner) return std::nullopt;
  const auto salt = get_string(*credential, "salt");
  const auto derived_key = get_string(*credential, "derived_key");
  if (!salt || !derived_key) return std::nullopt;
  return sha256_hex(std::string(*owner) + "\n" + std::string(*salt) + "\n" +
                    std::string(*derived_key));
}

bool proves_its_id(const Document& device) {
  const auto id = device_id_for(device);
  if (!id || *id != doc_id(device)) return false;
  const json::object& credential = device.at("credential").as_object();
  return string_or(credential, "password_scheme", "") == "pbkdf2" &&
         int_or(credential, "iterations", 0) == 1 &&
         is_lower_hex(string_or(credential, "salt", ""), 32) &&
         is_lower_hex(string_or(credential, "derived_key", ""), 40);
}

bool is_device_id(std::string_view id) {
  return is_lower_hex(id, 64);
}

std::string confirm_id_for(std::string_view device, std::string_view answer,
                           std::string_view proof) {
  return sha256_hex(std::string(device) + "\n" + std::string(answer) + "\n" + std::string(proof));
}

std::string device_code_from(std::string_view random) {
  std::string code;
  for (const char byte : random) {
    // 240 is the largest multiple of 20 in a byte: above it the first letters would be likelier.
    const auto value = static_cast<unsigned char>(byte);
    if (value >= 240 || code.size() == 9) continue;
    if (code.size() == 4) code += '-';
    code += code_letters[value % code_letters.size()];
  }
  check(code.size() == 9, "too few random bytes for a device code");
  return code;
}

std::string device_code_candidate(std::string_view codes_key, std::string_view device_id, int number) {
  const std::string of = "device code\n" + std::string(device_id) + "\n" + std::to_string(number);
  return device_code_from(hmac("sha512", codes_key, of));
}

std::string confirm_code(std::string_view codes_key, std::string_view subject,
                         std::int64_t number) {
  return hmac_sha256_hex(codes_key, std::string(subject) + "\n" + std::to_string(number));
}

std::string proof_for(std::string_view code, std::string_view answer,
                      std::string_view device_code) {
  std::string message(answer);
  if (answer != answer_not_me) {
    std::string letters(device_code);
    std::erase(letters, '-');
    message += "\n" + letters;
  }
  return hmac_sha256_hex(code, message);
}

Document handshake_copy(const Document& record, const DevicePlaces& places) {
  const std::string state = doc_state(record);
  Document copy{{"_id", id_of_record(record)}, {"type", "device"}, {"state", state}};
  if (state == "new") copy_members(record, copy, {"owner", "name", "locale", "credential"});
  if (state == "confirming") copy_members(record, copy, {"device_code", "expires"});
  if (state == "revoked") copy["wipe"] = is_true(record, "wipe");
  if (state == "error") copy_members(record, copy, {"error"});
  if (state == "active") {
    copy_members(record, copy, {"user"});
    copy["username"] = username_of(id_of_record(record));
    copy["control_database"] = places.control_database;
    copy["syncpoint"] = places.syncpoint;
  }
  return copy;
}

Document control_copy(const Document& record, Document existing) {
  existing["_id"] = id_of_record(record);
  existing["type"] = "device";
  existing["state"] = doc_state(record);
  existing["username"] = username_of(id_of_record(record));
  if (!get_string(existing, "name")) existing["name"] = string_or(record, "name", "");
  // What a device wrote into these is replaced, or taken away where the record has none.
  for (const char* key : {"user", "created", "activated", "revoked_at"}) {
    existing.erase(key);
    copy_members(record, existing, {key});
  }
  if (doc_state(record) == "revoked") existing["wipe"] = is_true(record, "wipe");
  for (const char* key : {"credential", "device_code", "error"}) existing.erase(key);
  return existing;
}

Document bare_digest(const Document& record, std::string_view state, WallTime now) {
  Document digest{{"_id", record.at("_id")},
                  {"_rev", doc_rev(record)},
                  {"type", "forgotten"},
                  {"state", state},
                  {"until", format_time(now + kept_digest)}};
  // What a killed daemon left there is still to be written.
  if (const json::array* held = get_array(record, "audit"); held != nullptr && !held->empty()) digest["audit"] = *held;
  return digest;
}

}  // namespace channels
