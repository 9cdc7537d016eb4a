#include "workflows/invitation.h"

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <variant>

#include "base/errors.h"
#include "workflows/audit.h"
#include "workflows/channel_claims.h"
#include "workflows/fault.h"
#include "workflows/invitation_documents.h"
#include "workflows/mail_slots.h"
#include "workflows/members.h"
#include "workflows/sharing.h"

namespace channels {

namespace {

constexpr int most_tries_a_copy = 10;
// While an invitation waits, so often it is looked whether the invitee has it.
constexpr std::chrono::hours delivery_look{24};

bool is_wish(std::string_view state) {
  return state == "accept" || state == "decline" || state == "withdraw";
}

bool is_open(const Document& record) {
  return doc_state(record) == "sent" || doc_state(record) == "accepting";
}

// `by`: whose wish it is, for the audit.
Document advance(Services& services, const Document& record, std::string_view by, std::initializer_list<std::string_view> from,
                 std::string_view to, const json::object& error = {}) {
  return services.registry.update(doc_id(record), [&](Document& current) {
    if (std::find(from.begin(), from.end(), doc_state(current)) == from.end()) return false;  // it went another way meanwhile
    current["state"] = to;
    if (!error.empty()) current["error"] = error;
    if (to != "accepting") note_invitation(current, to == "error" ? "failed" : to, by, services.env.wall_now());
    return true;
  });
}

std::string address_of_user(Services& services, const std::string& user) {
  const auto record = services.registry.get("user-" + user);
  return record ? string_or(*record, "address", "") : "";
}

std::string user_of_address(Services& services, const std::string& address_digest) {
  const auto record = services.registry.get(address_record_id(address_digest));
  return record ? string_or(*record, "user", "") : "";
}

// --- copies ------------------------------------------------------------------------------------

using Copy = std::function<Document(const Document& record, Document existing)>;

// Nothing happens if the database is gone, the id is another document's, or a person's wish is still to be carried out.
void put_copy(Services& services, Database control, const std::string& id, const Document& record, const Copy& copy) {
  for (int tries = 0; tries < most_tries_a_copy; ++tries) {
    const auto found = control.get(id);
    if (found && doc_type(*found) != "invitation") return;
    // Read after the copy, which may be newer than what the caller knows.
    const Document newest = services.registry.get(doc_id(record)).value_or(record);
    if (found && is_wish(doc_state(*found)) && is_open(newest)) return;
    if (!found && !is_open(newest)) return;  // it never came, or he cleared it away
    const Document wanted = copy(newest, found.value_or(Document{{"_id", id}}));
    if ((found && same_content(wanted, *found)) || control.save(wanted).ok()) return;
  }
  throw Unavailable("an invitation's document changes all the time");
}

void put_copy_if_there(Services& services, const std::string& user, const std::string& id, const Document& record,
                       const Copy& copy) {
  try {
    put_copy(services, Database(services.server, services.control_database(user)), id, record, copy);
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;
  }
}

// --- what is wished ------------------------------------------------------------------------------

// Null where he may come in. Who was put out since comes in by a newer invitation only.
std::optional<Fault> fault_of_accept(const Document& channel, const Document& invitation, const std::string& user) {
  if (doc_state(channel) != "ready" || access_of(channel, string_or(invitation, "user", "")) != access_owner)
    return Fault{"no_owner", "Who sent this invitation is no owner any more."};
  if (was_out_after(channel, user, string_or(invitation, "sent", "")))
    return Fault{"no_member", "The membership ended after this invitation was sent."};
  return std::nullopt;
}

// The channel's record then, or why it is as it was.
std::variant<Document, Fault> let_in(Services& services, const Document& record, const std::string& user) {
  std::optional<Fault> fault;
  const std::string cause = doc_id(record);
  const Document after =
      services.registry.update(channel_record_id(string_or(record, "channel", "")), [&](Document& channel) {
        fault.reset();
        if (was_handled(channel, cause)) return false;
        fault = fault_of_accept(channel, record, user);
        if (fault) return false;
        if (!is_member(channel, user))
          return change_members(channel, {{user, string_or(record, "access", ""), cause, false, false, user}},
                                services.env.wall_now());
        note_handled(channel, cause);
        return true;
      });
  if (fault) return *fault;
  return after;
}

Document accept(Services& services, const Document& record, const std::string& user) {
  const Document accepting = advance(services, record, user, {"sent"}, "accepting");
  if (doc_state(accepting) != "accepting") return accepting;
  const auto let = let_in(services, accepting, user);
  if (const auto* fault = std::get_if<Fault>(&let))
    return advance(services, accepting, user, {"accepting"}, "error", {{"error", fault->error}, {"reason", fault->reason}});
  share_out(services, std::get<Document>(let), doc_id(accepting));
  return advance(services, accepting, user, {"accepting"}, "accepted");
}

bool is_past(const Document& record, WallTime now) {
  const auto expires = parse_time(string_or(record, "expires", ""));
  return doc_state(record) == "sent" && (!expires || *expires <= now);
}

// The record after what this document wishes.
Document carry_out(Services& services, const Document& doc, const Document& record, const std::string& user) {
  if (is_past(record, services.env.wall_now())) return advance(services, record, by_daemon, {"sent"}, "expired");
  const bool is_invitees = is_invitation_id(doc_id(doc));
  const std::string wish = doc_state(doc);
  if (!is_invitees) return wish == "withdraw" ? advance(services, record, user, {"new", "sent"}, "withdrawn") : record;
  const bool was_cut_off = doc_state(record) == "accepting";
  if (was_cut_off || (wish == "accept" && doc_state(record) == "sent")) return accept(services, record, user);
  return wish == "decline" ? advance(services, record, user, {"sent"}, "declined") : record;
}

// The record that this document is a copy of.
std::optional<Document> record_of(Services& services, const Document& doc, const std::string& user) {
  if (!is_invitation_id(doc_id(doc))) return services.registry.get(invitation_id(user, doc_id(doc)));
  auto record = services.registry.get(doc_id(doc));
  if (record && string_or(*record, "address", "") != address_of_user(services, user)) return std::nullopt;
  // Not sent yet: nothing was put here for him.
  if (record && doc_state(*record) == "new") return std::nullopt;
  return record;
}

bool has_invitation_ended(std::string_view state) {
  return state == "accepted" || state == "declined" || state == "withdrawn" || state == "expired";
}

Outcome without_record(const Document& doc) {
  if (doc_state(doc) == "error") return Keep{};
  // Before the mail: it waited for the hour to pass.
  const bool is_inviters = !is_invitation_id(doc_id(doc));
  if (is_inviters && doc_state(doc) == "withdraw") return Save{in_state(doc, "withdrawn")};
  if (has_invitation_ended(doc_state(doc))) {  // and was forgotten long after
    Document next = doc;
    if (is_inviters || next.erase("from") == 0) return Keep{};
    return Save{std::move(next)};
  }
  Document next = in_error(doc, "unknown_invitation", "There is no such invitation: one begins with the state \"new\".");
  // Nobody knows whether that person sent it; and who was erased must not come back by a device that was away.
  if (!is_inviters) next.erase("from");
  return Save{std::move(next)};
}

}  // namespace

Outcome settle_invitation(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  auto record = record_of(services, doc, user);
  if (!record) return without_record(doc);
  record = carry_out(services, doc, *record, user);
  const bool is_invitees = is_invitation_id(doc_id(doc));
  const Document copy = is_invitees ? invitees_copy(*record, doc) : inviters_copy(*record, doc);
  if (!same_content(copy, doc)) {
    if (is_invitees) show_inviter(services, *record);
    else if (doc_state(*record) != "new") deliver_invitation(services, *record);
    return Save{copy};
  }
  const auto expires = parse_time(string_or(*record, "expires", ""));
  if (doc_state(*record) != "sent" || !expires) return Keep{};
  if (is_invitees) return Later{*expires};
  // Nobody else would: what his first device was given was as new as a view, and his database may have been put back from a backup.
  deliver_invitation(services, *record);
  return Later{std::min<WallTime>(*expires, run.env.wall_now() + delivery_look)};
}

// His own document: what he deleted is not brought back.
void show_inviter(Services& services, const Document& record) {
  const std::string user = string_or(record, "user", "");
  const std::string id = string_or(record, "document", "");
  Database control(services.server, services.control_database(user));
  try {
    if (!control.get(id)) return;
    put_copy(services, control, id, record, inviters_copy);
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;
  }
}

void deliver_invitation(Services& services, const Document& record) {
  const std::string user = user_of_address(services, string_or(record, "address", ""));
  if (user.empty()) return;
  put_copy_if_there(services, user, doc_id(record), record, invitees_copy);
}

// A view is answered by one copy of a cluster's three, which may be behind. What somebody was invited to within the hour is in his address'
// record, too, from before it was sent on (invitation_new.cc); and it is read when the database is there, into which whoever sends one later
// puts it himself. Of what is older an index that is behind may still lack some: then the inviter's document brings it.
void deliver_invitations(Services& services, const std::string& address_digest) {
  std::set<std::string> ids;
  if (const auto address = services.registry.get(address_record_id(address_digest))) {
    for (const std::string& id : places_in(*address, "invitations")) ids.insert(id);
  }
  for (const json::object& row : services.registry.database().view("invitations_by_address", {{"key", address_digest}}))
    ids.insert(string_or(row, "id", ""));
  for (const std::string& id : ids) {
    if (const auto record = services.registry.get(id)) deliver_invitation(services, *record);
  }
}

}  // namespace channels
