// The unsafe half of invitation.h: what is checked before anybody hears of an invitation, and the mail.
#include <algorithm>

#include "base/digest.h"
#include "base/errors.h"
#include "mail/address.h"
#include "mail/harmless_name.h"
#include "workflows/arrival.h"
#include "workflows/channel_claims.h"
#include "workflows/fault.h"
#include "workflows/groups.h"
#include "workflows/introductions.h"
#include "workflows/invitation.h"
#include "workflows/invitation_documents.h"
#include "workflows/letter.h"
#include "workflows/mail_slots.h"
#include "workflows/members.h"

namespace channels {

namespace {

// So many times as long as a device has to be confirmed: a person has to make up his mind, and maybe get the app first.
constexpr int ttls = 14;
// By one user: an account must not become a source of mail to strangers.
// And for one address, from whomever: each is a document on all of his devices.
constexpr int invitations_an_hour = 50;
constexpr seconds full_wait{600};

struct InvitationWish {
  std::string id;  // of the record
  std::string channel;
  std::string access;
  Address to;
  std::string address;  // its digest
  bool is_group = false;
};

bool is_pending(Services& services, const InvitationWish& wish) {
  const auto rows = services.registry.database().view("invitations_by_address", {{"key", wish.address}});
  return std::any_of(rows.begin(), rows.end(), [&](const json::object& row) {
    return string_or(row, "id", "") != wish.id && string_or(row, "value", "") == wish.channel;
  });
}

// In this order: who is no owner learns nothing of the members.
std::optional<Fault> fault_of_invitation(Services& services, const InvitationWish& wish, const std::string& user,
                                         const std::optional<Document>& channel) {
  if (!is_access(wish.access))
    return Fault{"bad_access", "The access of an invitation is \"writer\", \"reader\" or \"owner\"."};
  if (!channel || doc_state(*channel) != "ready" || access_of(*channel, user) != access_owner)
    return Fault{"no_owner", "Only an owner of a channel or group invites to it."};
  const auto inviter = services.registry.get("user-" + user);
  if (inviter && string_or(*inviter, "address", "") == wish.address)
    return Fault{"is_you", "This is your own address: the channel is on your devices already."};
  const auto address = services.registry.get(address_record_id(wish.address));
  if (address && is_member(*channel, string_or(*address, "user", "")))
    return Fault{"is_member", "Who has this address is a member already. Change the access by a \"member\" document."};
  if (is_pending(services, wish))
    return Fault{"pending", "An invitation to this waits for this address already."};
  return std::nullopt;
}

// Before it went out: to be looked at anew.
bool is_unsent(const Document& record) {
  return !record.contains("state") || doc_state(record) == "new" || doc_state(record) == "error";
}

std::string own_address(Services& services, const std::string& user) {
  const auto inviter = services.registry.get("user-" + user);
  const auto address = services.registry.get(address_record_id(inviter ? string_or(*inviter, "address", "") : ""));
  return address ? string_or(*address, "address", "") : "";
}

Document note_wish(Services& services, const InvitationWish& wish, const Document& doc, const std::string& user) {
  const auto channel = services.registry.get(channel_record_id(wish.channel));
  const std::string from = own_address(services, user);
  return services.registry.update(wish.id, [&](Document& record) {
    if (!is_unsent(record)) return false;
    record.erase("error");
    record["type"] = "invitation";
    record["state"] = "new";
    record["user"] = user;
    record["document"] = doc_id(doc);
    record["channel"] = wish.channel;
    record["access"] = wish.access;
    record["address"] = wish.address;
    record["from"] = from;
    record["name"] = channel ? string_or(*channel, "name", "") : "";
    record.erase("shows");
    if (const std::string shows = channel ? shown_of_members(*channel) : ""; !shows.empty()) record["shows"] = shows;
    return true;
  });
}

// An earlier run may have noted it: else its record would make the document `new` again.
Outcome refuse(Services& services, const std::string& record_id, const Document& doc, const Fault& fault) {
  services.registry.update(record_id, [&](Document& record) {
    if (doc_state(record) != "new") return false;
    record["state"] = "error";
    record["error"] = {{"error", fault.error}, {"reason", fault.reason}};
    return true;
  });
  return Save{in_error(doc, fault.error, fault.reason)};
}

struct Places {
  Document address;       // the invitee's record
  bool is_mailed = true;  // his hour's mails are not used up
};

// nullopt: the hour's are used up. The same for addresses that are known and that are not: who invites learns nothing of that.
std::optional<Places> take_places(Services& services, const InvitationWish& wish, const std::string& user, WallTime now) {
  bool is_free = false;
  services.registry.update("user-" + user, [&](Document& inviter) {
    return is_free = take_place(inviter, "invited", wish.id, invitations_an_hour, now);
  });
  if (!is_free) return std::nullopt;
  Places places;
  places.address = services.registry.update(address_record_id(wish.address), [&](Document& current) {
    current["type"] = "address";
    is_free = take_place(current, "invitations", wish.id, invitations_an_hour, now);
    places.is_mailed = is_free && take_place(current, "mails", wish.id, services.options.mail_per_address, now);
    return is_free;
  });
  if (!is_free) return std::nullopt;
  return places;
}

std::string locale_of(Services& services, const std::string& user) {
  for (const std::string& device : services.registry.devices_of(user, "active")) {
    const auto record = services.registry.get(device_record_id(device));
    if (record && !string_or(*record, "locale", "").empty()) return string_or(*record, "locale", "");
  }
  return "";
}

// His own, where he is known; else the one that the inviter chose for him, or has himself.
std::string mail_locale(Services& services, const Document& doc, const Document& address, const std::string& inviter) {
  const std::string invitee = string_or(address, "user", "");
  const std::string own = invitee.empty() ? "" : locale_of(services, invitee);
  if (!own.empty()) return own;
  const std::string chosen = string_or(doc, "locale", "");
  return chosen.empty() ? locale_of(services, inviter) : chosen;
}

Letter letter_of(Services& services, const InvitationWish& wish, const Document& doc, const Document& address,
                 const Document& record) {
  const bool known = address.contains("user");
  Values values;
  values["from"] = string_or(record, "from", "");
  values["channel_name"] = harmless_name(string_or(record, "name", ""), known);
  values["is_group"] = wish.is_group ? "yes" : "";
  values["reads_only"] = wish.access == access_reader ? "yes" : "";
  values["days_valid"] = std::to_string(std::max<std::int64_t>(1, services.options.confirm_ttl.count() * ttls / 86400));
  values["known"] = known ? "yes" : "";
  return {"invitation", mail_locale(services, doc, address, string_or(record, "user", "")), values,
          known ? string_or(address, "address", "") : wish.to.spelled, wish.id};
}

Document sent(Services& services, Run& run, const Document& record, const std::string& invitee) {
  const std::string expires = format_time(run.env.wall_now() + services.options.confirm_ttl * ttls);
  return services.registry.update_after_act(run.deadline, doc_id(record), [&](Document& current) {
    if (doc_state(current) != "new") return false;
    current["state"] = "sent";
    current["sent"] = format_time(run.env.wall_now());
    current["expires"] = expires;
    note_invitation(current, "sent", string_or(current, "user", ""), run.env.wall_now(), invitee);
    return true;
  });
}

Outcome send(Services& services, Run& run, const Document& doc, const InvitationWish& wish, const std::string& user) {
  const auto places = take_places(services, wish, user, run.env.wall_now());
  if (!places) return Later{run.env.wall_now() + full_wait};
  const bool known = places->address.contains("user");
  if (places->is_mailed && !services.mail_limits.admit({wish.id, wish.to.domain, known}, run.env.mono_now()))
    return Later{run.env.wall_now() + MailLimits::retry_delay()};
  const Document record = note_wish(services, wish, doc, user);
  if (doc_state(record) != "new") return settle_invitation(services, run, doc);  // another run was faster
  MailGate::Pass pass(services.mail_gate, run.deadline);
  try {
    if (places->is_mailed) send_letter(services, run, pass, letter_of(services, wish, doc, places->address, record));
  } catch (const Refused& refused) {
    if (!is_about_the_mailbox(refused)) throw;
    return refuse(services, wish.id, doc, {"mail_refused", "The mail server of this address does not accept mail for it."});
  }
  const Document noted = sent(services, run, record, string_or(places->address, "user", ""));
  deliver_invitation(services, noted);
  const auto there = run.database.get(doc_id(doc));
  if (there && doc_rev(*there) != doc_rev(doc)) show_inviter(services, noted);
  return Save{inviters_copy(noted, doc)};
}

}  // namespace

Outcome invite(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  const bool is_invitees = is_invitation_id(doc_id(doc));
  const std::string record_id = is_invitees ? doc_id(doc) : invitation_id(user, doc_id(doc));
  const auto known = services.registry.get(record_id);
  if (known && !is_unsent(*known)) return settle_invitation(services, run, doc);
  if (is_invitees)
    return Save{in_error(doc, "bad_id", "Ids of this form are those of invitations that you get. Take another one.")};
  const auto to = parse_address(string_or(doc, "to", ""));
  if (!to) return refuse(services, record_id, doc, {"bad_address", to.error().reason});
  const std::string channel_id = string_or(doc, "channel", "");
  const auto channel = services.registry.get(channel_record_id(channel_id));
  if (auto later = wait_for_channel(run, channel_id, channel)) return std::move(*later);
  const InvitationWish wish{record_id, channel_id, string_or(doc, "access", ""), *to, sha256_hex(to->folded), channel && is_group(*channel)};
  if (const auto fault = fault_of_invitation(services, wish, user, channel)) return refuse(services, record_id, doc, *fault);
  return send(services, run, doc, wish, user);
}

}  // namespace channels
