#include "workflows/channel.h"

#include "base/digest.h"
#include "base/errors.h"
#include "mail/address.h"
#include "mail/text.h"
#include "provision/channel_id.h"
#include "provision/databases.h"
#include "provision/design_docs.h"
#include "provision/users.h"
#include "workflows/channel_claims.h"
#include "workflows/subscription.h"

namespace channels {

namespace {

constexpr std::size_t longest_name = 200;

// Why a document is no channel that can be made.
struct Fault {
  std::string error;
  std::string reason;
  std::string channel;  // of a duplicate: the first one's id
};

Outcome refused(const Document& doc, const Fault& fault) {
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

std::optional<Fault> fault_in(Services& services, const Document& doc, const std::string& user) {
  if (!is_channel_id(doc_id(doc)))
    return Fault{"bad_id", "A channel's id has 16 to 64 characters of a-z, 0-9 and \"-\".", ""};
  const auto name = get_string(doc, "name");
  if (!name || !is_name(*name))
    return Fault{"no_name", "A channel needs a name of 1 to 200 characters.", ""};
  if (!is_owned_by(services, doc, user))
    return Fault{"wrong_owner", "The owner of a channel must be the user of this database.", ""};
  return std::nullopt;
}

// Only a database that was absent once the id was claimed may be taken for the channel's own.
std::optional<Fault> begin_making(Services& services, const ChannelWish& wish) {
  Database database(services.server, services.channel_database(wish.id));
  const bool there = database.exists();
  const Document record = services.registry.update(channel_record_id(wish.id), [&](Document& current) {
    if (doc_state(current) != "claimed" || there) return false;
    current["state"] = "making";
    return true;
  });
  if (doc_state(record) != "claimed") return std::nullopt;  // begun by this run, or by one before
  release_channel(services, wish);
  return Fault{"database_exists",
               "There is a database for this id that is no channel's. Make the channel under another id.", ""};
}

void describe(Database& channel, const std::string& name) {
  for (int tries = 0; tries < 5; ++tries) {
    const auto found = channel.get("description");
    if (found && string_or(*found, "name", "") == name) return;
    Document description = found.value_or(Document{{"_id", "description"}});
    description["type"] = "description";
    description["state"] = "ready";
    description["name"] = name;
    if (channel.save(description).ok()) return;
  }
  throw Unavailable("the description of " + channel.name() + " changes all the time");
}

void make_database(Services& services, const ChannelWish& wish) {
  Database channel(services.server, services.channel_database(wish.id));
  ensure_database(channel, services.options.shards);
  ensure_design_doc(channel, "channel");
  ensure_security(channel, {{role_of(wish.user)}, false, {role_of(wish.user)}, {}});
  describe(channel, wish.name);
}

Document ready(Services& services, const Document& doc) {
  Document next = in_state(doc, "ready");
  const std::string database = services.channel_database(doc_id(doc));
  next["database"] = database;
  next["syncpoint"] = services.syncpoint(database);
  next.erase("error");
  next.erase("channel");
  return next;
}

std::optional<Fault> claim_name(Services& services, const ChannelWish& wish) {
  const std::string first = claim_channel_name(services, wish);
  if (first == wish.id) return std::nullopt;
  return Fault{"duplicate", "You have a channel of this name already.", first};
}

// The claims of id and name; empty if both are won.
std::optional<Fault> claim(Services& services, const ChannelWish& wish) {
  const Document record = claim_channel(services, wish);
  if (string_or(record, "user", "") != wish.user)
    return Fault{"id_taken", "This id is another channel's. Make the channel under another id.", ""};
  const std::string old_name = string_or(record, "name", "");
  // Once it is being made, its name was won, whatever a race on a cluster left beside that claim.
  if (doc_state(record) != "claimed" && old_name == wish.name) return std::nullopt;
  if (auto fault = claim_name(services, wish)) {
    release_channel(services, {wish.id, old_name, wish.user});
    return fault;
  }
  if (old_name == wish.name) return std::nullopt;
  services.registry.update(doc_id(record), [&](Document& current) {
    current["name"] = wish.name;
    return true;
  });
  release_channel_name(services, {wish.id, old_name, wish.user});
  return std::nullopt;
}

// The record last: a run that was cut off anywhere is begun again.
void take_new_name(Services& services, const ChannelWish& wish, const std::string& old_name) {
  Database channel(services.server, services.channel_database(wish.id));
  describe(channel, wish.name);
  release_channel_name(services, {wish.id, old_name, wish.user});
  services.registry.update(channel_record_id(wish.id), [&](Document& current) {
    current["name"] = wish.name;
    return true;
  });
}

// A name that a person gave to a ready channel; on a name of another channel the old one stays, and
// the document says why.
Document renamed(Services& services, const Document& doc, const ChannelWish& wish,
                 const std::string& old_name) {
  Document next = ready(services, doc);
  const auto fault = is_name(wish.name) ? claim_name(services, wish)
                                        : Fault{"no_name", "A channel needs a name of 1 to 200 characters.", ""};
  if (!fault) {
    take_new_name(services, wish, old_name);
    return next;
  }
  next["name"] = old_name;
  next["error"] = {{"error", fault->error},
                   {"reason", fault->reason + " The name \"" + single_line(wish.name) + "\" was not taken."}};
  return next;
}

}  // namespace

Outcome make_channel(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  if (const auto fault = fault_in(services, doc, user)) return refused(doc, *fault);
  const ChannelWish wish{doc_id(doc), string_or(doc, "name", ""), user};
  if (const auto fault = claim(services, wish)) return refused(doc, *fault);
  if (const auto fault = begin_making(services, wish)) return refused(doc, *fault);
  make_database(services, wish);
  services.registry.update(channel_record_id(wish.id), [](Document& record) {
    if (doc_state(record) == "ready") return false;
    record["state"] = "ready";
    return true;
  });
  subscribe(services, run.database, wish.id);
  return Save{ready(services, doc)};
}

Outcome mend_channel(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  const auto record = services.registry.get(channel_record_id(doc_id(doc)));
  if (!record || string_or(*record, "user", "") != user || doc_state(*record) != "ready")
    return make_channel(services, run, doc);
  const std::string old_name = string_or(*record, "name", "");
  const ChannelWish wish{doc_id(doc), string_or(doc, "name", ""), user};
  if (wish.name != old_name) return Save{renamed(services, doc, wish, old_name)};
  Document next = ready(services, doc);
  // What the last refused rename said stays until the next one.
  if (const json::object* error = get_object(doc, "error")) next["error"] = *error;
  if (same_content(next, doc)) return Keep{};
  return Save{std::move(next)};
}

}  // namespace channels
