#include "device_role/registration.h"

#include "base/errors.h"

namespace channels {

namespace {

// Only while nothing is there: what is there is the cloud's, and is never pushed again.
Document put_registration(const DeviceServices& services, Cloud& cloud, const Document& pairing) {
  const std::string device = string_or(pairing, "device", "");
  const Document doc = device_document(pairing);
  if (cloud.register_device(doc) == Cloud::Pushed::taken)
    return update_pairing(services, device,
                          [&](Document current) { return after_answer(std::move(current), doc); });
  // A carrier may have brought it in this moment; then it is there, and the refusal is normal.
  const auto there = cloud.read_handshake(device);
  return update_pairing(services, device, [&](Document current) {
    if (there) return after_answer(std::move(current), *there);
    return in_error(std::move(current), "refused", "The cloud does not take this registration.");
  });
}

}  // namespace

Document advance_registration(const DeviceServices& services, const Document& pairing) {
  Cloud cloud(services.transport, pairing);
  const std::string device = string_or(pairing, "device", "");
  const auto answer = cloud.read_handshake(device);
  if (answer)
    return update_pairing(services, device, [&](Document current) {
      return after_answer(std::move(current), *answer);
    });
  const std::string state = doc_state(pairing);
  if (state == "waiting" || state == "new") return put_registration(services, cloud, pairing);
  return update_pairing(services, device, after_expiry);
}

Document believe_revocation(const DeviceServices& services, const Document& pairing) {
  Cloud cloud(services.transport, pairing);
  if (cloud.log_in() != Cloud::LogIn::refused) return pairing;
  const std::string device = string_or(pairing, "device", "");
  const auto answer = cloud.read_handshake(device);
  if (!answer || doc_state(*answer) != "revoked") return pairing;
  return update_pairing(services, device, [&](Document current) {
    return after_revocation(std::move(current), *answer);
  });
}

}  // namespace channels
