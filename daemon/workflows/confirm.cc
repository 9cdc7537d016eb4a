#include "workflows/confirm.h"

#include "base/digest.h"
#include "workflows/audit.h"
#include "workflows/confirmation_mail.h"
#include "workflows/control_device.h"
#include "workflows/device_documents.h"
#include "workflows/device_mirror.h"
#include "workflows/revocation.h"

namespace channels {

namespace {

struct Confirm {
  std::string device;  // a device id, or an address key
  std::string answer;
  std::string proof;
};

// What a confirm comes to: {} is `used`.
struct Verdict {
  std::string error;
  std::string reason;
  bool too_early = false;  // the mail is out, but the run that sent it hasn't ended
};

const Verdict used{};
const Verdict too_early{"", "", true};
constexpr seconds early_wait{2};
const Verdict wrong_proof{"wrong_proof",
                          "The code does not fit. Type the code that your device shows now."};

Parsed<Confirm> parse_confirm(const Document& doc) {
  const auto device = get_string(doc, "device");
  const auto answer = get_string(doc, "answer");
  const auto proof = get_string(doc, "proof");
  if (!device || !answer || !proof || confirm_id_for(*device, *answer, *proof) != doc_id(doc))
    return Invalid::because("The id of this document does not belong to what it says.");
  if (*answer != answer_yes && *answer != answer_yes_alone && *answer != answer_not_me)
    return Invalid::because("The answer must be \"yes\", \"yes, sign out all others\" or \"not me\".");
  return Confirm{std::string(*device), std::string(*answer), std::string(*proof)};
}

bool fits(const Confirm& confirm, const std::string& code, const std::string& device_code) {
  return equal_in_constant_time(confirm.proof, proof_for(code, confirm.answer, device_code));
}

// The record after a right answer, in one save: where it was answered meanwhile, by whomever, it
// stays as it is, and does not say `answer`.
Document answer_record(Services& services, const std::string& device_id, const std::string& answer) {
  if (answer == answer_not_me)
    return end_record(services, device_id, "confirming", "rejected", {{"answer", answer}});
  return services.registry.update(device_record_id(device_id), [&](Document& record) {
    if (doc_state(record) != "confirming") return false;
    record["state"] = "confirmed";
    record["answer"] = answer;
    return true;
  });
}

bool is_over(const Document& record, WallTime now) {
  const auto expires = parse_time(string_or(record, "expires", ""));
  return expires && *expires <= now;
}

// The mailbox outranks every device, also after a wrong "yes". Safe to repeat.
void sign_out(Services& services, const std::string& device_id) {
  services.registry.update(device_record_id(device_id), [](Document& record) {
    if (string_or(record, "answer", "") == answer_not_me) return false;
    record["answer"] = answer_not_me;
    return true;
  });
  const Document revoked = revoke_device(services, device_id, false, by_mailbox);
  const std::string user = string_or(revoked, "user", "");
  if (!user.empty()) put_control_copy(services, user, revoked);
}

// The proof was right; what it does depends on how far the device is.
Verdict apply(Services& services, const std::string& device_id, const Document& record,
              const std::string& answer, WallTime now) {
  const std::string state = doc_state(record);
  const bool not_me = answer == answer_not_me;
  if (state == "confirming") {
    if (is_over(record, now))
      return {"expired", "This registration has expired. Register the device once more."};
    // Another answer may have been faster: then this one meets what that made of the device.
    return apply(services, device_id, answer_record(services, device_id, answer), answer, now);
  }
  const bool said_before = string_or(record, "answer", "") == answer;
  if (not_me && (state == "active" || state == "confirmed" || (state == "revoked" && said_before))) {
    sign_out(services, device_id);
    return used;
  }
  if (said_before) {
    push_device_copy(services, record);  // the run that recorded it may not have come so far
    return used;
  }
  if (state == "expired")
    return {"expired", "This registration has expired. Register the device once more."};
  if (state == "rejected")
    return {"rejected", "This device was rejected before. Register it once more, if it is yours."};
  if (state == "revoked")
    return {"revoked", "This device was revoked. Register it once more, if it is yours."};
  return {"already_answered", "This device was confirmed before."};
}

// Without a look at the registry: a stranger's thousand wrong ones cost next to nothing.
bool may_fit(const Confirm& confirm, const std::string& codes_key) {
  const std::string code = confirm_code(codes_key, confirm.device, 1);
  if (confirm.answer == answer_not_me) return fits(confirm, code, "");
  for (int number = 0; number < most_device_codes; ++number) {
    if (fits(confirm, code, device_code_candidate(codes_key, confirm.device, number))) return true;
  }
  return false;
}

Verdict use_device_confirm(Services& services, const Confirm& confirm, WallTime now) {
  if (!may_fit(confirm, services.registry.codes_key())) return wrong_proof;
  const auto record = services.registry.get(device_record_id(confirm.device));
  // An id that nobody registered is told like a wrong code: so a stranger learns nothing by asking.
  if (!record) return wrong_proof;
  const std::string code = confirm_code(services.registry.codes_key(), confirm.device, 1);
  const std::string device_code = string_or(*record, "device_code", "");
  if (device_code.empty() || !fits(confirm, code, device_code)) return wrong_proof;
  if (doc_state(*record) == "new") return too_early;
  return apply(services, confirm.device, *record, confirm.answer, now);
}

// A proof is right for its own answer only.
std::string proof_key(std::string_view answer, const std::string& proof) {
  return sha256_hex(std::string(answer) + "\n" + proof);
}

// What would be right by the link for all, if it came now.
SharedProofs::Proofs read_proofs(Services& services, const std::string& address_digest, WallTime now) {
  SharedProofs::Proofs proofs;
  const auto address = services.registry.get(address_record_id(address_digest));
  if (!address) return proofs;
  const auto codes = collective_codes(services, *address, now);
  for (const auto& pending : services.registry.pending_devices(address_digest)) {
    for (const std::string& code : codes) {
      for (const std::string_view answer : {answer_yes, answer_yes_alone})
        proofs.emplace(proof_key(answer, proof_for(code, answer, pending.device_code)), pending.device_id);
    }
  }
  return proofs;
}

// Nobody can tell by it which device is meant.
Verdict refuse_address(Services& services, const Confirm& confirm, const std::string& address_digest, WallTime now) {
  const auto address = services.registry.get(address_record_id(address_digest));
  if (!address) return wrong_proof;
  for (const std::string& code : collective_codes(services, *address, now)) {
    if (fits(confirm, code, ""))
      return {"ambiguous", "This link is for several devices. Those that nobody confirms expire by themselves."};
  }
  return wrong_proof;
}

// The link for all pending devices of an address: the device code tells which one.
Verdict use_address_confirm(Services& services, SharedProofs& shared, const Confirm& confirm, WallTime now) {
  const auto key = services.registry.get("addresskey-" + confirm.device);
  if (!key) return wrong_proof;
  const std::string digest = string_or(*key, "address", "");
  if (confirm.answer == answer_not_me) return refuse_address(services, confirm, digest, now);
  const auto proofs = shared.read(digest, [&] { return read_proofs(services, digest, now); });
  const auto found = proofs->find(proof_key(confirm.answer, confirm.proof));
  if (found == proofs->end()) return wrong_proof;
  const auto record = services.registry.get(device_record_id(found->second));
  return record ? apply(services, found->second, *record, confirm.answer, now) : wrong_proof;
}

Document finished(const Document& doc, const Verdict& verdict, WallTime now) {
  Document next = verdict.error.empty() ? in_state(doc, "used")
                                        : in_error(doc, verdict.error, verdict.reason);
  next["finished"] = format_time(now);
  return next;
}

}  // namespace

Outcome use_confirm(Services& services, SharedProofs& shared, Run& run, const Document& doc) {
  if (run.has_branches) services.handshake_watch.saw_branches(doc_id(doc));
  const WallTime now = run.env.wall_now();
  const auto confirm = parse_confirm(doc);
  if (!confirm) return Save{finished(doc, {"bad_confirm", confirm.error().reason}, now)};
  const Verdict verdict = is_device_id(confirm->device)
                              ? use_device_confirm(services, *confirm, now)
                              : use_address_confirm(services, shared, *confirm, now);
  if (verdict.too_early) return Later{now + early_wait};
  return Save{finished(doc, verdict, now)};
}

}  // namespace channels
