#include "workflows/all.h"

#include "provision/design_docs.h"
#include "workflows/activation.h"
#include "workflows/channel.h"
#include "workflows/confirm.h"
#include "workflows/conflicts.h"
#include "workflows/control_device.h"
#include "workflows/device_new.h"
#include "workflows/device_states.h"
#include "workflows/doorbell.h"
#include "workflows/group.h"
#include "workflows/invitation.h"
#include "workflows/link.h"
#include "workflows/member.h"
#include "workflows/profile.h"
#include "workflows/rotate.h"
#include "workflows/subscription.h"

namespace channels {

namespace {

using Workflow = Outcome (*)(Services&, Run&, const Document&);

Handler with(Services& services, Workflow workflow) {
  return [&services, workflow](Run& run, const Document& doc) { return workflow(services, run, doc); };
}

// Of all runs together: `proofs`.
Handler confirming(Services& services) {
  const auto proofs = std::make_shared<SharedProofs>(services.env);
  return [&services, proofs](Run& run, const Document& doc) { return use_confirm(services, *proofs, run, doc); };
}

// The project's own design document is brought back where somebody changed or deleted it.
Handler keep_design_doc(std::string folder) {
  return [folder = std::move(folder)](Run&, const Document& doc) -> Outcome {
    if (doc_id(doc) != "_design/channels") return Keep{};
    auto mended = mended_design_doc(folder, doc);
    if (!mended) return Keep{};
    return Save{std::move(*mended)};
  };
}

}  // namespace

Rules all_rules(Services& services) {
  const auto run = [&](Workflow workflow) { return with(services, workflow); };
  // The receiver of a mail can tell a repeat by its Message-ID. It is about the device, and a stranger can add branches.
  const RuleOptions mail{.on_lost = OnLost::retry, .per_document = true};
  const RuleOptions slow{.slow = true};

  Rules rules;
  RuleTable& handshake = rules.on(Kind::handshake);
  RuleTable& control = rules.on(Kind::control);
  handshake.unsafe("device", "new", run(register_device), mail)
      .safe("device", "confirming", run(await_confirmation), slow)
      .safe("device", "confirmed", run(activate_device), slow)
      .unsafe("device", "active", run(tell_address), mail)
      .unsafe("device", "revoked", run(tell_address), mail)
      .safe("device", "*", run(mend_device), slow)
      .safe("confirm", "clicked", confirming(services), slow)
      .safe("rotate", "new", run(rotate_credential), slow)
      .safe("*", "*", run(mend_device), slow)
      .deleted(run(mend_device))
      .design(keep_design_doc("handshake"));
  control.safe("device", "*", run(mend_control_device), slow)
      .safe("channel", "new", run(make_channel), slow)
      .safe("channel", "ready", run(mend_channel), slow)
      .safe("channel", "archived", run(mend_channel), slow)
      .safe("channel", "deleted", run(mend_channel), slow)
      .safe("channel", "removed", run(mend_channel), slow)
      .safe("channel", "archive", run(end_channel), slow)
      .safe("channel", "reopen", run(end_channel), slow)
      .safe("channel", "delete", run(end_channel), slow)
      .safe("channel", "undelete", run(end_channel), slow)
      .safe("channel", "error", run(mend_failed_channel), slow)
      .safe("subscription", "*", run(mend_subscription), slow)
      .unsafe("invitation", "new", run(invite), mail)
      .safe("invitation", "*", run(settle_invitation), slow)
      .safe("member", "change", run(change_membership), slow)
      .safe("member", "remove", run(change_membership), slow)
      .safe("member", "hand over", run(change_membership), slow)
      .safe("member", "leave", run(change_membership), slow)
      .safe("member", "publish", run(change_membership), slow)
      .safe("member", "unpublish", run(change_membership), slow)
      .safe("member", "show", run(change_membership), slow)
      .safe("profile", "new", run(take_profile), slow)
      .safe("profile", "ready", run(take_profile), slow)
      .safe("group", "new", run(make_group), slow)
      .safe("group", "*", run(mend_group), slow)
      .safe("link", "new", run(open_link), slow)
      .safe("link", "*", run(settle_link), slow)
      .safe("join", "new", run(join), slow)
      .deleted(run(restore_control_device))
      .conflicts(resolve_control_conflict)
      .design(keep_design_doc("control"));
  rules.on(Kind::channel)
      .design(keep_design_doc("channel"))
      .changed([&services](Database& database, bool is_news) { return ring_doorbell(services, database, is_news); });
  return rules;
}

Rules device_rules(DeviceSync& sync, Carrier& carrier) {
  const RuleOptions slow{.slow = true};
  const auto carry = [&](Run& run, const Document& doc) { return carrier.carry(run, doc); };
  const auto bring_answer = [&](Run& run, const Document& doc) { return carrier.bring_answer(run, doc); };
  const auto look = [&](Run& run, const Document& doc) { return sync.subscription_changed(run, doc); };
  const auto make_room = [&](Run& run, const Document& doc) { return sync.make_room(run, doc); };

  Rules rules;
  rules.on(Kind::handshake)
      .safe("device", "new", carry, slow)
      .safe("device", "confirming", bring_answer, slow)
      .safe("device", "confirmed", bring_answer, slow)
      .design(keep_design_doc("handshake"));
  rules.on(Kind::control)
      .safe("subscription", "*", look)
      .safe("channel", "new", make_room, slow)
      .safe("channel", "error", look)
      .deleted(look);
  return rules;
}

bool is_extension_point(Kind kind, std::string_view type, std::string_view state) {
  if (kind != Kind::control) return false;
  if (type == "device") return state == "active" || state == "revoked";
  if (type == "channel") return state == "ready" || state == "archived" || state == "deleted" || state == "removed";
  if (type == "invitation")
    return state == "accepted" || state == "declined" || state == "withdrawn" || state == "expired";
  if (type == "join") return state == "joined";
  return type == "subscription" && (state == "active" || state == "paused" || state == "stopped");
}

}  // namespace channels
