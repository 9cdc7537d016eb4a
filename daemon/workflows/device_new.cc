#include "workflows/device_new.h"

#include "base/digest.h"
#include "base/errors.h"
#include "mail/address.h"
#include "workflows/confirmation_mail.h"
#include "workflows/device_documents.h"
#include "workflows/device_mirror.h"

namespace channels {

namespace {

// Only what the id proves, and the two members that are shown to people, are taken from the
// handshake, and only once: here.
Document record_of(const Document& sent, WallTime now) {
  Document record{{"_id", device_record_id(doc_id(sent))},
                  {"type", "device"},
                  {"state", "new"},
                  {"owner", sent.at("owner")},
                  {"credential", sent.at("credential")},
                  {"created", format_time(now)}};
  for (const char* key : {"name", "locale"}) {
    if (const auto text = get_string(sent, key)) record[key] = *text;
  }
  const auto address = parse_address(string_or(sent, "owner", ""));
  if (address) {
    record["address"] = sha256_hex(address->folded);
  } else {
    record["state"] = "error";
    record["error"] = {{"error", "bad_owner"}, {"reason", address.error().reason}};
    record["ended"] = format_time(now);
    for (const char* key : {"owner", "name", "locale", "credential"}) record.erase(key);
  }
  return record;
}

// A code that no other pending device shows, claimed for this one. The same in every run: one that was cut off after its claim
// leaves none behind that nobody uses.
std::string claim_device_code(Services& services, std::string_view device_id) {
  for (int number = 0; number < most_device_codes; ++number) {
    const std::string code = device_code_candidate(services.registry.codes_key(), device_id, number);
    const Document claim = services.registry.claim(
        {{"_id", "code-" + code}, {"type", "code"}, {"device", device_id}});
    if (string_or(claim, "device", "") == device_id) return code;
  }
  throw Unavailable("each code of this device is shown by another one: it waits until one is free");
}

Document with_device_code(Services& services, std::string_view device_id, const Document& record) {
  if (record.contains("device_code")) return record;
  const std::string code = claim_device_code(services, device_id);
  return services.registry.update(doc_id(record), [&](Document& current) {
    if (current.contains("device_code")) return false;  // another run was here before
    current["device_code"] = code;
    return true;
  });
}

Outcome begin_confirmation(Services& services, Run& run, const Document& doc,
                           const Document& record) {
  const std::string id = doc_id(doc);
  const Document coded = with_device_code(services, id, record);
  MailGate::Pass pass(services.mail_gate, run.deadline);
  const auto wait = send_confirmation_mail(services, run, pass, id, coded);
  if (const auto* later = std::get_if<Later>(&wait)) return *later;
  if (const auto* refused = std::get_if<MailRefused>(&wait))
    return end_device(services, doc, "new", "error",
                      {{"error", "mail_refused"}, {"reason", refused->reason}});
  const std::string expires = format_time(run.env.wall_now() + services.options.confirm_ttl);
  const Document confirming = services.registry.update_after_act(run.deadline, doc_id(record), [&](Document& current) {
    if (doc_state(current) != "new") return false;
    current["state"] = "confirming";
    current["expires"] = expires;
    return true;
  });
  return Save{copy_over(services, confirming, doc)};
}

}  // namespace

std::optional<Document> provable_leaf(Run& run, const Document& winner) {
  if (proves_its_id(winner)) return winner;
  if (!run.has_branches) return std::nullopt;
  for (Document& leaf : run.database.leaves(doc_id(winner))) {
    if (is_deleted(leaf) || !proves_its_id(leaf)) continue;
    leaf["_rev"] = doc_rev(winner);
    return std::move(leaf);
  }
  return std::nullopt;
}

Outcome register_device(Services& services, Run& run, const Document& doc) {
  const std::string id = doc_id(doc);
  if (run.has_branches) services.handshake_watch.saw_branches(id);
  auto record = services.registry.get(device_record_id(id));
  if (!record) {
    const auto sent = provable_leaf(run, doc);
    if (!sent) {
      const Document bare{{"_id", id},
                          {"_rev", doc_rev(doc)},
                          {"type", "device"},
                          {"finished", format_time(run.env.wall_now())}};
      return Save{in_error(bare, "bad_id",
                           "The id of this document does not belong to its owner and credential.")};
    }
    record = services.registry.claim(record_of(*sent, run.env.wall_now()));
  }
  if (doc_state(*record) != "new") return mirror_device(services, run, doc, *record);
  return begin_confirmation(services, run, doc, *record);
}

}  // namespace channels
