#include <optional>

#include "base/errors.h"
#include "workflows/arrival.h"
#include "workflows/audit.h"
#include "workflows/channel_claims.h"
#include "workflows/fault.h"
#include "workflows/link.h"
#include "workflows/link_record.h"
#include "workflows/members.h"
#include "workflows/publication.h"
#include "workflows/sharing.h"

namespace channels {

namespace {

const Fault unknown_link{"unknown_link", "There is no such link."};
const Fault link_ended{"link_ended", "This link was used up or has ended. Ask for a new one."};

// Who made it may have lost the right to it: then it has ended, also for the time in which he is an owner again.
bool is_of_an_owner(const Document& channel, const Document& link) {
  const std::string maker = string_or(link, "user", "");
  if (access_of(channel, maker) != access_owner) return false;
  const json::object* entry = member_entry(channel, maker);
  return entry == nullptr || string_or(*entry, "since", "") <= string_or(link, "created", "");
}

// Who was put out comes in by an invitation only; who went himself may come back. Times are whole seconds: of a link that was made in the
// same one nobody knows which came first.
std::optional<Fault> fault_of_join(Reach& reach, const Document& channel, const Document& link, const std::string& user) {
  if (doc_state(channel) != "ready" || !is_of_an_owner(channel, link)) return link_ended;
  if (reach.was_put_out_since(channel, user, string_or(link, "created", "")))
    return Fault{"no_member", "You were taken out of this channel: ask one of its owners for an invitation."};
  return std::nullopt;
}

// Its maker sees the end. Where he changed it meanwhile, that change is looked at by itself.
void show_maker(Services& services, const Document& link) {
  Database control(services.server, services.control_database(string_or(link, "user", "")));
  try {
    const auto found = control.get(string_or(link, "document", ""));
    if (found && doc_type(*found) == "link") control.save(makers_copy(link, *found));
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;
  }
}

Document end_link(Services& services, const Document& link, std::string_view state) {
  const Document ended = services.registry.update(link, [&](Document& current) {
    if (doc_state(current) != "open") return false;
    current["state"] = state;
    note_link(current, state, by_daemon, services.env.wall_now());
    return true;
  });
  show_maker(services, ended);
  return ended;
}

// Takes a use for this cause, unless it has one; nothing is taken where he could not come in.
std::optional<Fault> use_link(Services& services, const Document& channel, Document& link, const std::string& user,
                              const std::string& cause) {
  if (has_use(link, cause)) return std::nullopt;
  Reach reach(services);
  if (const auto fault = fault_of_join(reach, channel, link, user)) return fault;
  if (is_link_past(link, services.env.wall_now())) {
    link = end_link(services, link, "expired");
    return link_ended;
  }
  link = services.registry.update(link, [&](Document& current) { return take_use(current, cause); });
  if (!has_use(link, cause)) return link_ended;
  return std::nullopt;
}

// The channel's record as it is then, in `channel`.
std::optional<Fault> come_in(Services& services, Document& channel, const Document& link, const std::string& user,
                             const std::string& cause) {
  std::optional<Fault> fault;
  Reach reach(services);
  channel = services.registry.update(channel, [&](Document& current) {
    fault.reset();
    if (was_handled(current, cause)) return false;
    if (is_member(current, user)) {
      note_handled(current, cause);
      return true;
    }
    fault = fault_of_join(reach, current, link, user);
    if (fault) return false;
    MemberChange change{user, string_or(link, "access", ""), cause};
    change.by = user;
    change.link = doc_id(link);
    return change_members(current, {change}, services.env.wall_now());
  });
  return fault;
}

Outcome joined(const Document& doc) {
  Document done = in_state(doc, "joined");
  done.erase("code");  // the devices that need no code any more are told none
  done.erase("error");
  return Save{std::move(done)};
}

// Should this run's answer be lost, and he leave meanwhile, the next one does not bring him back.
Outcome stay(Services& services, const Document& doc, const Document& channel, const std::string& cause) {
  services.registry.update(channel, [&](Document& current) {
    if (was_handled(current, cause)) return false;
    note_handled(current, cause);
    return true;
  });
  return joined(doc);
}

Outcome not_joined(const Document& doc, const Fault& fault) {
  return Save{in_error(doc, fault.error, fault.reason)};
}

// Its maker's device made it offline, maybe with the channel, and may send it a moment after it was passed on. (One that isn't public is no
// matter of time.)
std::optional<Outcome> wait_for_link(const Run& run, const std::string& code, const std::optional<Document>& channel,
                                     const std::optional<Document>& link) {
  const bool may_come = code.empty() ? !channel : is_link_code(code) && (!channel || !link);
  return may_come ? wait_for_arrival(run, "its link") : std::nullopt;
}

}  // namespace

Outcome join(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  const std::string channel_id = string_or(doc, "channel", "");
  const std::string code = string_or(doc, "code", "");
  auto channel = services.registry.get(channel_record_id(channel_id));
  if (channel && code.empty() && is_public(*channel) && doc_state(*channel) == "ready") {
    if (!Reach(services).has(*channel, user)) follow(services, *channel, user);
    return joined(doc);
  }
  auto link = services.registry.get(link_record_id(channel_id, code));
  if (auto later = wait_for_link(run, code, channel, link)) return std::move(*later);
  if (!is_link_code(code) || !link || !channel) return not_joined(doc, unknown_link);
  const std::string cause = user + "\n" + run.attempt_key;
  if (!has_use(*link, cause) && doc_state(*channel) == "ready" && (is_member(*channel, user) || was_handled(*channel, cause)))
    return stay(services, doc, *channel, cause);
  if (const auto fault = use_link(services, *channel, *link, user, cause)) return not_joined(doc, *fault);
  if (const auto fault = come_in(services, *channel, *link, user, cause)) return not_joined(doc, *fault);
  share_out(services, *channel, cause);
  if (doc_state(*link) == "used") show_maker(services, *link);
  return joined(doc);
}

}  // namespace channels
