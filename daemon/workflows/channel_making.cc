#include "workflows/channel_making.h"

#include <algorithm>

#include "base/errors.h"
#include "provision/databases.h"
#include "provision/design_docs.h"
#include "workflows/audit.h"
#include "workflows/channel_ends.h"
#include "workflows/groups.h"
#include "workflows/reach.h"
#include "workflows/rollout/apply_template.h"
#include "workflows/sharing.h"

namespace channels {

namespace {

constexpr int most_tries_to_describe = 5;

Document description_of(const std::string& name) {
  return {{"_id", "description"}, {"type", "description"}, {"state", "ready"}, {"name", name}};
}

// The first documents of a database.
struct Filled {
  std::vector<Saved> saved;
  std::string has_template;  // the version that is among them; "": a rollout brings it
};
Filled fill(Services& services, Database& channel, const std::string& name) {
  std::vector<Document> docs{design_doc("channel"), description_of(name)};
  const auto used = services.template_in_use.get();
  if (used) {
    for (Document& doc : documents_of(*used)) docs.push_back(std::move(doc));
  }
  Filled filled{channel.save_all(docs), ""};
  const bool all = std::all_of(filled.saved.begin(), filled.saved.end(), [](const Saved& saved) { return saved.ok(); });
  if (used && all) filled.has_template = used->version;
  return filled;
}

// `has_template`: the version that its database was made with; nullopt if that was there. False where nothing is to be changed.
bool become_ready(Document& record, const ChannelWish& wish, const std::optional<std::string>& has_template,
                  WallTime now) {
  const bool is_noted = !has_template || string_or(record, "template", "") == *has_template;
  if (doc_state(record) == "ready" && is_noted) return false;
  if (doc_state(record) != "ready") note_audit(record, {"channel made", wish.user, {{"channel", wish.id}}}, now);
  record["state"] = "ready";
  record.erase("at_once");
  if (has_template) record["template"] = *has_template;
  return true;
}

// Of a channel that is deleted, or that he is out of: he may give the name to one of his own.
bool is_left_over(Services& services, const std::string& channel_id, const std::string& user) {
  const auto record = services.registry.get(channel_record_id(channel_id));
  return record && (is_ended(*record) || (doc_state(*record) == "ready" && !Reach(services).has(*record, user)));
}

bool is_database_there(Services& services, const ChannelWish& wish) {
  return Database(services.server, services.channel_database(wish.id)).exists();
}

// Once it is being made its name was won, whatever a race on a cluster left beside that claim. Of what was claimed at once only
// the database shows it: nobody makes that before.
bool has_won_name(Services& services, const ChannelWish& wish, const Document& record) {
  if (doc_state(record) == "claimed" || string_or(record, "name", "") != wish.name) return false;
  return !is_claimed_at_once(record) || is_database_there(services, wish);
}

// The claims of id and name, given the id's record; empty if both are won.
std::optional<ChannelFault> claim(Services& services, const ChannelWish& wish, Document& record) {
  if (is_group(record) || string_or(record, "user", "") != wish.user) {
    release_channel_name(services, wish);  // perhaps won at once, by a run that was cut off
    return id_taken();
  }
  if (has_won_name(services, wish, record)) return std::nullopt;
  const std::string old_name = string_or(record, "name", "");
  if (auto fault = claim_name(services, wish)) {
    release_channel(services, {wish.id, old_name, wish.user});
    return fault;
  }
  if (old_name == wish.name) return std::nullopt;
  record = services.registry.update(record, [&](Document& current) {
    if (doc_state(current).empty()) return false;  // given up by another run: begin_making finds that
    current["name"] = wish.name;
    return true;
  });
  release_channel_name(services, {wish.id, old_name, wish.user});
  return std::nullopt;
}

// Only a database that was absent at the claim, or once that was there, may be taken for the channel's own.
std::optional<ChannelFault> begin_making(Services& services, const ChannelWish& wish, Document& record) {
  if (is_database_there(services, wish)) {
    // Read anew: another worker may have begun, and made it, since this run read the record.
    record = services.registry.get(doc_id(record)).value_or(Document{});
  } else {
    record = services.registry.update(record, [&](Document& current) {
      if (doc_state(current) != "claimed" && !is_claimed_at_once(current)) return false;
      current["state"] = "making";
      current.erase("at_once");
      return true;
    });
  }
  if (doc_state(record).empty()) throw Unavailable("the claim of a channel was given up by another run");
  if (doc_state(record) != "claimed") return std::nullopt;  // begun by this run, or by one before
  release_channel(services, wish);
  return ChannelFault{"database_exists",
                      "There is a database for this id that is no channel's. Make the channel under another id."};
}

// Gives the record as it is then; `has_template` is the version that a new database was made with.
Document make_database(Services& services, const Document& record, std::optional<std::string>& has_template) {
  const std::string name = string_or(record, "name", "");
  Database channel(services.server, services.channel_database(channel_id_of(record)));
  if (channel.create(services.options.shards) == Created::made) {
    has_template = fill(services, channel, name).has_template;
  } else {
    ensure_design_doc(channel, "channel");
    describe(channel, name);
  }
  return open_to_members(services, record);
}

}  // namespace

ChannelFault id_taken() {
  return {"id_taken", "This id is another channel's. Make the channel under another id."};
}

void describe(Database& channel, const std::string& name) {
  for (int tries = 0; tries < most_tries_to_describe; ++tries) {
    const auto found = channel.get("description");
    if (found && string_or(*found, "name", "") == name) return;
    Document description = found.value_or(Document{});
    for (const auto& [key, value] : description_of(name)) description[key] = value;
    if (channel.save(description).ok()) return;
  }
  throw Unavailable("the description of " + channel.name() + " changes all the time");
}

std::optional<ChannelFault> claim_name(Services& services, const ChannelWish& wish) {
  std::string first = claim_channel_name(services, wish);
  if (first != wish.id && is_left_over(services, first, wish.user)) {
    release_channel_name(services, {first, wish.name, wish.user});
    first = claim_channel_name(services, wish);
  }
  if (first == wish.id) return std::nullopt;
  return ChannelFault{"duplicate", "You have a channel of this name already.", first};
}

std::optional<Document> make_at_once(Services& services, const ChannelWish& wish) {
  Database channel(services.server, services.channel_database(wish.id));
  if (channel.exists()) return std::nullopt;
  const auto claimed = claim_channel_at_once(services, wish);
  if (!claimed) return std::nullopt;
  NewDatabases::Making making(services.new_databases, channel.name());
  if (channel.create(services.options.shards) != Created::made) return std::nullopt;
  const Filled filled = fill(services, channel, wish.name);
  making.holds(filled.saved);
  open_new_database(channel, *claimed);
  // That the record is saved on what _security was made from shows that this is right: whoever changes it later writes it later.
  bool is_mine = false;
  Document record = services.registry.update(*claimed, [&](Document& current) {
    is_mine = doc_rev(current) == doc_rev(*claimed);
    return is_mine && become_ready(current, wish, filled.has_template, services.env.wall_now());
  });
  if (is_mine) return record;
  if (doc_state(record).empty()) throw Unavailable("the claim of a channel was given up by another run");
  open_to_members(services, record);
  return std::nullopt;
}

std::optional<ChannelFault> make_step_by_step(Services& services, const ChannelWish& wish,
                                              std::optional<Document>& record) {
  Document current = record ? *record : claim_channel(services, wish);
  if (auto fault = claim(services, wish, current)) return fault;
  if (auto fault = begin_making(services, wish, current)) return fault;
  std::optional<std::string> has_template;
  current = make_database(services, current, has_template);
  record = services.registry.update(
      current, [&](Document& now) { return become_ready(now, wish, has_template, services.env.wall_now()); });
  return std::nullopt;
}

}  // namespace channels
