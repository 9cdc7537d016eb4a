#include "workflows/device_states.h"

#include "workflows/activation.h"
#include "workflows/confirmation_mail.h"
#include "workflows/device_documents.h"
#include "workflows/device_mirror.h"
#include "workflows/device_new.h"

namespace channels {

namespace {

// The record, where the document has become the copy of it already; else what mends the document.
struct Matched {
  std::optional<Document> record;
  Outcome otherwise = Keep{};
};

Matched match(Services& services, Run& run, const Document& doc) {
  const std::string id = doc_id(doc);
  if (!is_device_id(id)) return {};
  if (run.has_branches) services.handshake_watch.saw_branches(id);
  auto record = services.registry.get(device_record_id(id));
  if (!record) {
    // Nobody registered it yet: an earlier `new` may be hidden below this winner.
    if (is_deleted(doc) || !run.has_branches) return {};
    auto hidden = provable_leaf(run, doc);
    if (!hidden || doc_state(*hidden) != "new" || doc_state(doc) == "new") return {};
    return {std::nullopt, Save{std::move(*hidden)}};
  }
  Outcome mended = mirror_device(services, run, doc, *record);
  if (!std::holds_alternative<Keep>(mended)) return {std::nullopt, std::move(mended)};
  return {std::move(record), Keep{}};
}

}  // namespace

Outcome mend_device(Services& services, Run& run, const Document& doc) {
  return match(services, run, doc).otherwise;
}

Outcome await_confirmation(Services& services, Run& run, const Document& doc) {
  const Matched matched = match(services, run, doc);
  if (!matched.record) return matched.otherwise;
  const auto expires = parse_time(string_or(*matched.record, "expires", ""));
  if (expires && *expires > run.env.wall_now()) return Later{*expires};
  return end_device(services, doc, "confirming", "expired");
}

Outcome tell_address(Services& services, Run& run, const Document& doc) {
  const Matched matched = match(services, run, doc);
  if (!matched.record) return matched.otherwise;
  // Any run may have put this copy right, while the one that changed the record stopped halfway.
  finish_device(services, *matched.record);
  const std::string what = string_or(*matched.record, "tell", "");
  if (what.empty()) return Keep{};
  MailGate::Pass pass(services.mail_gate, run.deadline);
  send_notice(services, run, pass, "device_" + what, doc_id(doc) + "\n" + what, *matched.record);
  services.registry.update_after_act(run.deadline, device_record_id(doc_id(doc)), [&](Document& record) {
    if (string_or(record, "tell", "") != what) return false;
    record.erase("tell");
    return true;
  });
  return Keep{};
}

}  // namespace channels
