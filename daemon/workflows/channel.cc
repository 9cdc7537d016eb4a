#include "workflows/channel.h"

#include <algorithm>

#include "base/digest.h"
#include "base/errors.h"
#include "mail/address.h"
#include "mail/text.h"
#include "provision/channel_id.h"
#include "provision/databases.h"
#include "provision/design_docs.h"
#include "workflows/audit.h"
#include "workflows/channel_claims.h"
#include "workflows/channel_ends.h"
#include "workflows/groups.h"
#include "workflows/members.h"
#include "workflows/publication.h"
#include "workflows/reach.h"
#include "workflows/rollout/apply_template.h"
#include "workflows/sharing.h"
#include "workflows/subscription.h"

namespace channels {

namespace {

constexpr std::size_t longest_name = 200;

// Why a document is no channel that can be made.
struct ChannelFault {
  std::string error;
  std::string reason;
  std::string channel;  // of a duplicate: the first one's id
};

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

ChannelFault id_taken() {
  return {"id_taken", "This id is another channel's. Make the channel under another id.", ""};
}

std::optional<ChannelFault> fault_in(Services& services, const Document& doc, const std::string& user) {
  if (!is_channel_id(doc_id(doc)))
    return ChannelFault{"bad_id", "A channel's id has 16 to 64 characters of a-z, 0-9 and \"-\".", ""};
  const auto name = get_string(doc, "name");
  if (!name || !is_name(*name))
    return ChannelFault{"no_name", "A channel needs a name of 1 to 200 characters.", ""};
  if (!is_owned_by(services, doc, user))
    return ChannelFault{"wrong_owner", "The owner of a channel must be the user of this database.", ""};
  return std::nullopt;
}

// Only a database that was absent once the id was claimed may be taken for the channel's own.
std::optional<ChannelFault> begin_making(Services& services, const ChannelWish& wish, Document& record) {
  Database database(services.server, services.channel_database(wish.id));
  const bool there = database.exists();
  // Read anew: another worker may have begun, and made it, since this run read the record.
  if (there) record = services.registry.get(doc_id(record)).value_or(Document{});
  else record = services.registry.update(record, [&](Document& current) {
    if (doc_state(current) != "claimed") return false;
    current["state"] = "making";
    return true;
  });
  if (doc_state(record).empty()) throw Unavailable("the claim of the channel's id was given up at the same time");
  if (doc_state(record) != "claimed") return std::nullopt;  // begun by this run, or by one before
  release_channel(services, wish);
  return ChannelFault{"database_exists",
               "There is a database for this id that is no channel's. Make the channel under another id.", ""};
}

Document description_of(const std::string& name) {
  return {{"_id", "description"}, {"type", "description"}, {"state", "ready"}, {"name", name}};
}

void describe(Database& channel, const std::string& name) {
  for (int tries = 0; tries < 5; ++tries) {
    const auto found = channel.get("description");
    if (found && string_or(*found, "name", "") == name) return;
    Document description = found.value_or(Document{});
    for (const auto& [key, value] : description_of(name)) description[key] = value;
    if (channel.save(description).ok()) return;
  }
  throw Unavailable("the description of " + channel.name() + " changes all the time");
}

// The first documents of a database. Gives the version of the template that is among them; "": a rollout brings it.
std::string fill(Services& services, Database& channel, const std::string& name) {
  std::vector<Document> docs{design_doc("channel"), description_of(name)};
  const auto used = services.template_in_use.get();
  if (used) {
    for (Document& doc : documents_of(*used)) docs.push_back(std::move(doc));
  }
  const std::vector<Saved> results = channel.save_all(docs);
  const bool all = std::all_of(results.begin(), results.end(), [](const Saved& saved) { return saved.ok(); });
  return used && all ? used->version : "";
}

// Gives the record as it is then; `has_template` is the version that a new database was made with.
Document make_database(Services& services, const Document& record, std::optional<std::string>& has_template) {
  const std::string name = string_or(record, "name", "");
  Database channel(services.server, services.channel_database(channel_id_of(record)));
  if (channel.create(services.options.shards) == Created::made) {
    has_template = fill(services, channel, name);
  } else {
    ensure_design_doc(channel, "channel");
    describe(channel, name);
  }
  return open_to_members(services, record);
}

std::optional<ChannelFault> claim_name(Services& services, const ChannelWish& wish) {
  const std::string first = claim_channel_name(services, wish);
  if (first == wish.id) return std::nullopt;
  return ChannelFault{"duplicate", "You have a channel of this name already.", first};
}

// The claims of id and name, given the id's record; empty if both are won.
std::optional<ChannelFault> claim(Services& services, const ChannelWish& wish, Document& record) {
  if (is_group(record) || string_or(record, "user", "") != wish.user) return id_taken();
  const std::string old_name = string_or(record, "name", "");
  // Once it is being made, its name was won, whatever a race on a cluster left beside that claim.
  if (doc_state(record) != "claimed" && old_name == wish.name) return std::nullopt;
  if (auto fault = claim_name(services, wish)) {
    release_channel(services, {wish.id, old_name, wish.user});
    return fault;
  }
  if (old_name == wish.name) return std::nullopt;
  const auto renamed = update_unless_changed(services.registry, record, [&](Document& current) {
    current["name"] = wish.name;
    return true;
  });
  if (!renamed) throw Unavailable("the channel's record changes at the same time");
  record = *renamed;
  release_channel_name(services, {wish.id, old_name, wish.user});
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
  const auto after = update_unless_changed(services.registry, record, [&](Document& current) {
    if (current.contains("renaming")) return false;
    current["renaming"] = string_or(current, "name", "");
    current["renaming_of"] = namer_of(current);
    current["name"] = name;
    current["named_by"] = user;
    note_audit(current, {"channel renamed", user, {{"channel", channel_id_of(current)}}}, services.env.wall_now());
    return true;
  });
  if (after) finish_rename(services, *after);
  if (!after || string_or(*after, "name", "") != name)
    throw Unavailable("the channel is changed by somebody else at the same time");
}

// Why this member's name is not taken; nullopt: it is claimed among his own: a name that somebody else gave a channel must not
// stand in the way of a private one, or have that merged into it.
std::optional<ChannelFault> claim_new_name(Services& services, const Document& record, const std::string& user,
                                           const std::string& name) {
  if (access_of(record, user) != access_owner)
    return ChannelFault{"no_owner", "Only an owner gives a channel another name.", ""};
  if (!is_name(name)) return ChannelFault{"no_name", "A channel needs a name of 1 to 200 characters.", ""};
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
  if (same_content(copy, doc)) return Keep{};
  if (is_access(access) && doc_state(doc) != doc_state(copy)) {
    Database control(services.server, services.control_database(user));
    subscribe(services, control, doc_id(doc));
  }
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

}  // namespace

Outcome make_channel(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  const auto there = channel_record(services, doc_id(doc));
  if (auto deleted = if_deleted(services, doc, user, there)) return std::move(*deleted);
  if (is_his(services, there, user)) return mend_copy(services, doc, user, *there);
  if (const auto fault = fault_in(services, doc, user)) return refused(doc, *fault);
  const ChannelWish wish{doc_id(doc), string_or(doc, "name", ""), user};
  Document record = there ? *there : claim_channel(services, wish);
  if (const auto fault = claim(services, wish, record)) return refused(doc, *fault);
  if (const auto fault = begin_making(services, wish, record)) return refused(doc, *fault);
  std::optional<std::string> has_template;
  record = services.registry.update(make_database(services, record, has_template), [&](Document& current) {
    const bool is_noted = !has_template || string_or(current, "template", "") == *has_template;
    if (doc_state(current) == "ready" && is_noted) return false;
    if (doc_state(current) != "ready") note_audit(current, {"channel made", user, {{"channel", wish.id}}}, run.env.wall_now());
    current["state"] = "ready";
    if (has_template) current["template"] = *has_template;
    return true;
  });
  subscribe(services, run.database, wish.id);
  return Save{channel_copy_of(services, record, user, doc)};
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
