#include "device_role/pairing.h"

#include "base/digest.h"
#include "base/errors.h"
#include "device_role/syncpoint.h"
#include "provision/users.h"

namespace channels {

namespace {

constexpr const char* pairing_id = "pairing";
constexpr std::size_t secret_bytes = 32;
constexpr std::size_t salt_bytes = 16;
constexpr int key_bytes = 20;
constexpr int most_tries = 10;

bool is_user_id(std::string_view user) {
  return !user.empty() &&
         user.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string_view::npos;
}

void forget_answer(Document& pairing) {
  for (const char* key : {"device_code", "expires", "error"}) pairing.erase(key);
}

Document activated(Document pairing, const Document& answer) {
  const std::string user = string_or(answer, "user", "");
  const std::string syncpoint = string_or(answer, "syncpoint", "");
  const std::string cloud = string_or(pairing, "cloud", "");
  const bool is_ours =
      string_or(answer, "username", "") == username_of(string_or(pairing, "device", ""));
  if (!is_ours || !is_user_id(user) || !accepts_syncpoint(cloud, syncpoint, user))
    return in_error(std::move(pairing), "bad_syncpoint",
                    "The cloud names " + syncpoint +
                        " as this user's database, but a database of " + cloud +
                        " is expected. Is --cloud the installation's public_url?");
  pairing["state"] = "active";
  pairing["user"] = user;
  pairing["control_database"] = string_or(answer, "control_database", "");
  pairing["syncpoint"] = syncpoint;
  return pairing;
}

}  // namespace

json::object verifier_for(std::string_view secret, std::string_view salt) {
  return {{"password_scheme", "pbkdf2"},
          {"salt", salt},
          {"iterations", 1},
          {"derived_key", hex(pbkdf2_sha1(secret, salt, 1, key_bytes))}};
}

NewSecret new_secret(Env& env) {
  const std::string secret = hex(env.random_bytes(secret_bytes));
  return {secret, verifier_for(secret, hex(env.random_bytes(salt_bytes)))};
}

Document new_pairing(Env& env, const PairingWish& wish) {
  const auto [secret, credential] = new_secret(env);
  const std::string device = sha256_hex(wish.owner + "\n" + string_or(credential, "salt", "") +
                                        "\n" + string_or(credential, "derived_key", ""));
  Document pairing{{"_id", pairing_id},
                   {"type", "pairing"},
                   {"state", "waiting"},
                   {"cloud", wish.cloud},
                   {"handshake", wish.handshake},
                   {"device", device},
                   {"owner", wish.owner},
                   {"credential", credential},
                   {"secret", secret},
                   {"local_secret", hex(env.random_bytes(secret_bytes))},
                   {"allow_wipe", wish.allow_wipe},
                   {"created", format_time(env.wall_now())}};
  if (!wish.name.empty()) pairing["name"] = wish.name;
  if (!wish.locale.empty()) pairing["locale"] = wish.locale;
  return pairing;
}

Document device_document(const Document& pairing) {
  Document doc{{"_id", string_or(pairing, "device", "")}, {"type", "device"}, {"state", "new"}};
  for (const char* key : {"owner", "name", "locale", "credential"}) {
    if (const json::value* value = pairing.if_contains(key)) doc[key] = *value;
  }
  return doc;
}

Document after_answer(Document pairing, const Document& answer) {
  const std::string state = doc_state(answer);
  if (state == "new") {
    if (doc_state(pairing) == "waiting") pairing["state"] = "new";
    return pairing;
  }
  if (state == doc_state(pairing) || state == "revoked") return pairing;
  forget_answer(pairing);
  if (state == "active") return activated(std::move(pairing), answer);
  for (const char* known : {"confirming", "confirmed", "expired", "rejected", "error"}) {
    if (state == known) pairing["state"] = state;
  }
  for (const char* key : {"device_code", "expires", "error"}) {
    if (const json::value* value = answer.if_contains(key)) pairing[key] = *value;
  }
  return pairing;
}

Document after_expiry(Document pairing) {
  forget_answer(pairing);
  pairing["state"] = "expired";
  return pairing;
}

Document after_revocation(Document pairing, const Document& answer) {
  forget_answer(pairing);
  pairing["state"] = "revoked";
  pairing.erase("secret");
  pairing.erase("next");
  if (is_true(answer, "wipe") && is_true(pairing, "allow_wipe")) pairing["wipe_due"] = true;
  return pairing;
}

bool is_pending(const Document& pairing) {
  const std::string state = doc_state(pairing);
  return state == "waiting" || state == "new" || state == "confirming" || state == "confirmed";
}

bool is_active(const Document& pairing) {
  return doc_state(pairing) == "active";
}

std::optional<Document> load_pairing(const DeviceServices& services) {
  return services.registry().get(pairing_id);
}

Document update_pairing(const DeviceServices& services, const std::string& device,
                        const std::function<Document(Document)>& change) {
  Database registry = services.registry();
  for (int tries = 0; tries < most_tries; ++tries) {
    const auto current = registry.get(pairing_id);
    if (!current || string_or(*current, "device", "") != device)
      return current.value_or(Document{});
    Document next = change(*current);
    if (same_content(next, *current)) return next;
    const Saved saved = registry.save(next);
    if (!saved.ok()) continue;
    next["_rev"] = saved.rev;
    return next;
  }
  throw Unavailable("the pairing changes all the time");
}

}  // namespace channels
