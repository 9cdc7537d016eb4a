#include "workflows/channel.h"

#include "base/digest.h"
#include "base/errors.h"
#include "mail/address.h"
#include "mail/text.h"
#include "provision/channel_id.h"
#include "workflows/audit.h"
#include "workflows/channel_claims.h"
#include "workflows/channel_ends.h"
#include "workflows/channel_making.h"
#include "workflows/groups.h"
#include "workflows/members.h"
#include "workflows/publication.h"
#include "workflows/reach.h"
#include "workflows/sharing.h"
#include "workflows/subscription.h"

namespace channels {

namespace {

constexpr std::size_t longest_name = 200;

Outcome refused(const Document& doc, const ChannelFault& fault) {
  Document next = in_error(doc, fault.error, fault.reason);
  if (!fault.channel.empty()) next["channel"] = fault.channel;
  return Save{std::move(next)};
}

bool is_name(std::string_view name) {
  return !single_line(name).empty() && code_points(name).size() <= longest_name;
}

bool is_owned_by(Services& services, const Document& doc, const std::string& user) {
  const json::value* owner = doc.if_contains("owner");
  if (owner == nullptr) return true;
  if (!owner->is_string()) return false;
  const auto address = parse_address(owner->as_string());
  const auto record = services.registry.get("user-" + user);
  return address && record && string_or(*record, "address", "") == sha256_hex(address->folded);
}

std::optional<ChannelFault> fault_in(Services& services, const Document& doc, const std::string& user) {
  if (!is_channel_id(doc_id(doc)))
    return ChannelFault{"bad_id", "A channel's id has 16 to 64 characters of a-z, 0-9 and \"-\"."};
  const auto name = get_string(doc, "name");
  if (!name || !is_name(*name))
    return ChannelFault{"no_name", "A channel needs a name of 1 to 200 characters."};
  if (!is_owned_by(services, doc, user))
    return ChannelFault{"wrong_owner", "The owner of a channel must be the user of this database."};
  return std::nullopt;
}

// Another run may describe a newer name meanwhile: whoever wrote last has looked at the record afterwards.
void describe_by_record(Services& services, Database& channel, const Document& record) {
  std::string name = string_or(record, "name", "");
  for (int tries = 0; tries < 5; ++tries) {
    describe(channel, name);
    const Document newest = services.registry.get(doc_id(record)).value_or(Document{});
    if (string_or(newest, "name", "") == name) return;
    name = string_or(newest, "name", "");
  }
  throw Unavailable("the name of " + channel.name() + " changes all the time");
}

// What a rename is still to change; a run that was cut off in it leaves that to the next one for any of the members.
// Gives the record as it is then.
Document finish_rename(Services& services, const Document& known) {
  if (string_or(known, "renaming", "").empty()) return known;
  const Document record = services.registry.get(doc_id(known)).value_or(Document{});
  const std::string old_name = string_or(record, "renaming", "");
  if (old_name.empty()) return record;
  const std::string id = channel_id_of(record);
  Database channel(services.server, services.channel_database(id));
  describe_by_record(services, channel, record);
  release_channel_name(services, {id, old_name, string_or(record, "renaming_of", "")});
  rename_copies(services, record, old_name);
  show_publicly(services, record);
  return services.registry.update(doc_id(record), [&](Document& current) {
    if (string_or(current, "renaming", "") != old_name) return false;
    current.erase("renaming");
    current.erase("renaming_of");
    return true;
  });
}

// Where another owner's name came in between, this one is tried again after it: the later of the two counts.
void take_new_name(Services& services, const Document& record, const std::string& user, const std::string& name) {
  const std::string old_name = string_or(record, "name", "");
  const Document after = services.registry.update(record, [&](Document& current) {
    if (string_or(current, "name", "") != old_name || current.contains("renaming")) return false;
    current["renaming"] = old_name;
    current["renaming_of"] = namer_of(current);
    current["name"] = name;
    current["named_by"] = user;
    note_audit(current, {"channel renamed", user, {{"channel", channel_id_of(current)}}}, services.env.wall_now());
    return true;
  });
  finish_rename(services, after);
  if (string_or(after, "name", "") != name) throw Unavailable("the channel is given another name at the same time");
}

// Why this member's name is not taken; nullopt: it is claimed among his own: a name that somebody else gave a channel must not
// stand in the way of a private one, or have that merged into it.
std::optional<ChannelFault> claim_new_name(Services& services, const Document& record, const std::string& user,
                                           const std::string& name) {
  if (access_of(record, user) != access_owner)
    return ChannelFault{"no_owner", "Only an owner gives a channel another name.", ""};
  if (!is_name(name)) return ChannelFault{"no_name", "A channel needs a name of 1 to 200 characters."};
  return claim_name(services, {channel_id_of(record), name, user});
}

// A name that a person gave to a ready channel. Where it can't be had the old one stays, and the document says why.
void rename(Services& services, const Document& record, const std::string& user, Document& copy) {
  const std::string name = string_or(copy, "name", "");
  const std::string known = string_or(record, "name", "");
  if (name == known) return;
  copy.erase("error");
  if (name == string_or(record, "renaming", "")) {  // a copy that the new name has not reached yet
    copy["name"] = known;
    return;
  }
  if (const auto fault = claim_new_name(services, record, user, name)) {
    copy["name"] = known;
    copy["error"] = {{"error", fault->error},
                     {"reason", fault->reason + " The name \"" + single_line(name) + "\" was not taken."}};
    return;
  }
  take_new_name(services, record, user, name);
  copy["named_by"] = user;
}

Outcome mend_deleted_copy(Services& services, const Document& doc, const std::string& user, const Document& known) {
  const WallTime now = services.env.wall_now();
  const Document record = is_past_return(known, now) ? remove_channel(services, known, user) : known;
  Document copy = channel_copy_of(services, record, user, doc);
  if (!same_content(copy, doc)) return Save{std::move(copy)};
  const auto until = parse_time(string_or(record, "until", ""));
  if (doc_state(copy) == "deleted" && until) return Later{*until};
  return Keep{};
}

Outcome mend_copy(Services& services, const Document& doc, const std::string& user, const Document& known) {
  if (is_ended(known)) return mend_deleted_copy(services, doc, user, known);
  const Document record = finish_rename(services, known);
  const std::string access = Reach(services).access(record, user);
  Document copy = channel_copy_of(services, record, user, doc);
  if (is_access(access)) {
    // Of one that a device made again, after the cloud was put back or while it was offline, the name is a person's.
    if (doc_state(doc) == "new") copy["name"] = string_or(doc, "name", "");
    // What the last refused rename said stays until the next one.
    rename(services, record, user, copy);
  }
  Database control(services.server, services.control_database(user));
  if (is_access(access)) {
    if (doc_state(doc) != doc_state(copy)) subscribe(services, control, doc_id(doc));
    else subscribe_at_last(services, control, doc_id(doc));
  }
  if (same_content(copy, doc)) return Keep{};
  return Save{std::move(copy)};
}

// Of a channel that is deleted the record alone decides, whatever a device makes of its copy; nullopt: it is not.
std::optional<Outcome> if_deleted(Services& services, const Document& doc, const std::string& user,
                                  const std::optional<Document>& record) {
  if (!record || !is_ended(*record)) return std::nullopt;
  // Nobody knows any longer who was in one that is gone; only its copies are in these states.
  const bool is_his = is_gone(*record) ? doc_state(doc) != "new" && doc_state(doc) != "error"
                                       : !Reach(services).access(*record, user).empty();
  if (is_his) return mend_deleted_copy(services, doc, user, *record);
  if (doc_state(doc) == "error") return Keep{};
  return refused(doc, id_taken());
}

// Groups are recorded under the same ids, so that an id is never both.
std::optional<Document> channel_record(Services& services, const std::string& id) {
  auto record = services.registry.get(channel_record_id(id));
  if (record && is_group(*record)) return std::nullopt;
  return record;
}

// The daemon's already, and this user's: what is to be done is to show it. But for one whose database is gone: that is made again.
bool is_his(Services& services, const std::optional<Document>& record, const std::string& user) {
  if (!record || doc_state(*record) != "ready" || Reach(services).access(*record, user).empty()) return false;
  return Database(services.server, services.channel_database(channel_id_of(*record))).exists();
}

// Nobody else can have written there yet, but a device that chose before (mend_channel sees to that choice).
Outcome first_answer(Services& services, const Document& record, const std::string& user, const Document& doc) {
  auto subscription = subscribed(services, std::nullopt, channel_id_of(record), user);
  return Save{channel_copy_of(services, record, user, doc), {std::move(*subscription)}, true};
}

}  // namespace

Outcome make_channel(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  const auto fault = fault_in(services, doc, user);
  const ChannelWish wish{doc_id(doc), string_or(doc, "name", ""), user};
  if (!fault) {
    if (const auto made = make_at_once(services, wish)) return first_answer(services, *made, user, doc);
  }
  auto record = channel_record(services, wish.id);
  if (auto deleted = if_deleted(services, doc, user, record)) return std::move(*deleted);
  if (is_his(services, record, user)) return mend_copy(services, doc, user, *record);
  if (fault) return refused(doc, *fault);
  if (const auto met = make_step_by_step(services, wish, record)) return refused(doc, *met);
  subscribe(services, run.database, wish.id);
  return Save{channel_copy_of(services, *record, user, doc)};
}

Outcome mend_channel(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  const auto record = channel_record(services, doc_id(doc));
  if (!record || doc_state(*record) != "ready" || Reach(services).access(*record, user).empty())
    return make_channel(services, run, doc);
  return mend_copy(services, doc, user, *record);
}

Outcome end_channel(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  const auto record = channel_record(services, doc_id(doc));
  const bool is_there = record && (doc_state(*record) == "ready" || is_ended(*record));
  const std::string access = is_there ? Reach(services).access(*record, user) : "";
  if (!is_access(access) || is_past_return(*record, run.env.wall_now())) return mend_channel(services, run, doc);
  const EndResult end = carry_out_end(services, *record, {doc_state(doc), user, run.attempt_key});
  if (!end.fault) return mend_copy(services, doc, user, end.record);
  Document copy = channel_copy_of(services, end.record, user, doc);
  copy["error"] = {{"error", end.fault->error}, {"reason", end.fault->reason}};
  return Save{std::move(copy)};
}

Outcome mend_failed_channel(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  const auto record = channel_record(services, doc_id(doc));
  if (auto deleted = if_deleted(services, doc, user, record)) return std::move(*deleted);
  if (!is_his(services, record, user)) return Keep{};
  return mend_copy(services, doc, user, *record);
}

}  // namespace channels
