#include "device_role/rotation.h"

#include "device_role/cloud.h"
#include "device_role/registration.h"

namespace channels {

namespace {

const json::object& next_of(const Document& pairing) {
  static const json::object none;
  const json::object* next = get_object(pairing, "next");
  return next == nullptr ? none : *next;
}

Document rotate_document(const Document& pairing) {
  const json::object& next = next_of(pairing);
  Document doc{{"_id", "rotate-" + string_or(pairing, "device", "") + "-" + std::to_string(int_or(next, "number", 0))},
               {"type", "rotate"},
               {"state", "new"}};
  if (const json::value* credential = next.if_contains("credential")) doc["credential"] = *credential;
  return doc;
}

// The cloud's own word is a log-in that it takes, not a document that anyone may have branched.
bool takes_next(const DeviceServices& services, const Document& pairing) {
  Document with_next = pairing;
  with_next["secret"] = string_or(next_of(pairing), "secret", "");
  return Cloud(services.transport, with_next).log_in() == Cloud::LogIn::taken;
}

Document without_next(Document pairing, std::int64_t number, const json::object& error) {
  if (int_or(next_of(pairing), "number", 0) != number) return pairing;
  pairing.erase("next");
  pairing["rotation_error"] = error;
  return pairing;
}

}  // namespace

Document with_next_secret(Env& env, Document pairing) {
  pairing.erase("rotation_error");
  if (is_rotating(pairing)) return pairing;
  NewSecret made = new_secret(env);
  pairing["next"] = {{"number", int_or(pairing, "rotation", 0) + 1}, {"secret", made.secret}, {"credential", made.credential}};
  return pairing;
}

bool is_rotating(const Document& pairing) {
  return !next_of(pairing).empty();
}

Document after_rotation(Document pairing, std::int64_t number) {
  const json::object next = next_of(pairing);
  if (next.empty() || int_or(next, "number", 0) != number) return pairing;
  pairing["secret"] = next.at("secret");
  pairing["credential"] = next.at("credential");
  pairing["rotation"] = number;
  pairing.erase("next");
  return pairing;
}

RotationLook advance_rotation(const DeviceServices& services, const Document& pairing, bool may_send) {
  using Says = RotationLook::Says;
  const std::string device = string_or(pairing, "device", "");
  const std::int64_t number = int_or(next_of(pairing), "number", 0);
  const Document wanted = rotate_document(pairing);
  Cloud cloud(services.transport, pairing);
  const auto answer = cloud.read_handshake(doc_id(wanted));
  const std::string state = answer ? doc_state(*answer) : "";
  if (state == "new") return {Says::asked, pairing};
  const auto old_secret = state == "done" ? Cloud::LogIn::refused : cloud.log_in();
  if (old_secret == Cloud::LogIn::taken && answer) {
    const json::object* said = get_object(*answer, "error");
    const json::object error = said == nullptr ? json::object{{"error", "refused"}, {"reason", "The cloud does not take the new secret."}} : *said;
    return {Says::over, update_pairing(services, device, [&](Document current) { return without_next(std::move(current), number, error); })};
  }
  if (old_secret == Cloud::LogIn::taken) {
    if (may_send) cloud.ask_rotation(wanted);
    return {may_send ? Says::asked : Says::to_send, pairing};
  }
  if (old_secret == Cloud::LogIn::unknown) return {Says::refused, pairing};
  // Done, or done so long ago that the document is gone.
  if (takes_next(services, pairing))
    return {Says::over, update_pairing(services, device, [&](Document current) { return after_rotation(std::move(current), number); })};
  if (state == "done") return {Says::done, pairing};
  Document believed = believe_revocation(services, pairing);
  return {is_active(believed) ? Says::refused : Says::over, std::move(believed)};
}

}  // namespace channels
