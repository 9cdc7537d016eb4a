#include "workflows/clean_up.h"

#include "base/errors.h"
#include "couch/purger.h"
#include "workflows/audit.h"
#include "workflows/channel_ends.h"
#include "workflows/device_documents.h"
#include "workflows/log_ins.h"
#include "workflows/publication.h"
#include "workflows/sharing.h"

namespace channels {

namespace {

// After a change of a channel's members: runs under way then have ended.
constexpr seconds members_settle{300};

// Until then whoever noted an entry is about to write it.
constexpr seconds audits_settle{300};
constexpr const char* refused_entries = "a validation function of the registry refuses entries of the audit: they wait in the records";

constexpr std::size_t ids_a_purge = Purger::ids_a_purge;
constexpr int most_pages = 500;
// Longer than any lease or outage that a run could come back from.
constexpr std::chrono::hours kept_lease{7 * 24};

// Invitations and links, after their end: longer than a device is away that has something to say to one.
constexpr std::chrono::hours kept_share{90 * 24};

// Every leaf: if one stayed, it would become the winner.
void add_whole(Purger& purger, Database& database, const std::string& id) {
  for (const Document& leaf : database.leaves(id)) purger.add(id, doc_rev(leaf));
}

std::string before(WallTime now, std::chrono::seconds age) {
  return format_time(now - age);
}

std::vector<std::string> ids_up_to(Database& database, std::string_view view, const std::string& end) {
  std::vector<std::string> ids;
  for (const json::object& row :
       database.view(view, {{"endkey", end}, {"limit", ids_a_purge}, {"startkey", ""}}))
    ids.push_back(string_or(row, "id", ""));
  return ids;
}

void purge_finished(Services& services, WallTime now) {
  for (int page = 0; page < most_pages; ++page) {
    const auto ids = ids_up_to(services.handshake, "finished", before(now, services.options.confirm_ttl));
    if (ids.empty()) return;
    Purger purger(services.handshake);
    for (const std::string& id : ids) add_whole(purger, services.handshake, id);
    purger.send();
  }
}

void forget_ended(Services& services, WallTime now) {
  for (int page = 0; page < most_pages; ++page) {
    const auto records = ids_up_to(services.registry.database(), "devices_by_ended",
                                   before(now, services.options.confirm_ttl));
    if (records.empty()) return;
    Purger purger(services.handshake);
    for (const std::string& id : records) add_whole(purger, services.handshake, device_of_record(id));
    purger.send();
    for (const std::string& id : records) {
      services.registry.update(id, [&](Document& record) {
        record = bare_digest(record, doc_state(record), now);
        return true;
      });
    }
  }
}

void drop_forgotten(Services& services, WallTime now) {
  for (int page = 0; page < most_pages; ++page) {
    const auto records =
        ids_up_to(services.registry.database(), "forgotten_by_end", format_time(now));
    if (records.empty()) return;
    Purger purger(services.handshake);
    for (const std::string& id : records) add_whole(purger, services.handshake, device_of_record(id));
    purger.send();
    for (const std::string& id : records) services.registry.remove(id);
  }
}

// Nobody confirmed a device of these addresses, and none is pending: they are forgotten whole, without the tombstone
// that a deletion would leave.
void forget_addresses(Services& services, WallTime now) {
  Database& registry = services.registry.database();
  const std::string end = before(now, services.options.confirm_ttl + std::chrono::hours(2));
  std::size_t kept = 0;
  for (int page = 0; page < most_pages; ++page) {
    const auto rows = registry.view("addresses_by_last_mail",
                                    {{"startkey", ""}, {"endkey", end}, {"skip", kept}, {"limit", ids_a_purge}});
    if (rows.empty()) return;
    Purger purger(registry);
    for (const json::object& row : rows) {
      const std::string id = string_or(row, "id", "");
      if (!services.registry.pending_devices(id.substr(std::string_view("address-").size())).empty()) {
        ++kept;
        continue;
      }
      add_whole(purger, registry, id);
      add_whole(purger, registry, "addresskey-" + string_or(row, "value", ""));
    }
    purger.send();
  }
}

void purge_branches(Services& services) {
  const std::set<std::string> branched = services.handshake_watch.take_branched();
  try {
    Purger purger(services.handshake);
    for (const std::string& id : branched) {
      const auto leaves = services.handshake.leaves(id);
      for (std::size_t i = 1; i < leaves.size(); ++i) purger.add(id, doc_rev(leaves[i]));
    }
    purger.send();
  } catch (...) {
    for (const std::string& id : branched) services.handshake_watch.saw_branches(id);
    throw;
  }
}

void drop_leases(Services& services, WallTime now) {
  Database& registry = services.registry.database();
  for (int page = 0; page < most_pages; ++page) {
    const auto ids = ids_up_to(registry, "leases_by_taken", before(now, kept_lease));
    if (ids.empty()) return;
    std::vector<Document> gone;
    for (const auto& lease : registry.get_many(ids)) {
      if (lease) gone.push_back({{"_id", lease->at("_id")}, {"_rev", lease->at("_rev")}, {"_deleted", true}});
    }
    registry.save_all(gone);
  }
}

// Its copies keep what they say. Without the tombstone that a deletion would leave.
void forget_shares(Services& services, WallTime now) {
  Database& registry = services.registry.database();
  for (int page = 0; page < most_pages; ++page) {
    const auto ids = ids_up_to(registry, "shares_by_end", before(now, kept_share));
    if (ids.empty()) return;
    Purger purger(registry);
    for (const std::string& id : ids) add_whole(purger, registry, id);
    purger.send();
  }
}

// True once all copies follow the record.
bool is_shared_out(Services& services, const Document& record) {
  try {
    share_out(services, record);
    return true;
  } catch (const Refused& refused) {
    if (refused.status == 404) return true;  // an admin deleted the channel's database
    services.log.error("the members of " + doc_id(record) + ": " + refused.what());
  } catch (const Unavailable& unavailable) {
    services.log.info("the members of " + doc_id(record) + ": " + unavailable.what());
  }
  return false;
}

// Whoever changed a channel's members gave them out; but a run that ended in between and whose document went, or one that was
// paused and wrote an older _security late, left copies behind the record.
void look_after_members(Services& services, WallTime now) {
  Database& registry = services.registry.database();
  for (int page = 0; page < most_pages; ++page) {
    const auto ids = ids_up_to(registry, "channels_by_members_changed", before(now, members_settle));
    if (ids.empty()) return;
    for (const auto& record : registry.get_many(ids)) {
      if (!record) continue;
      const bool is_done = is_shared_out(services, *record);
      services.registry.update(*record, [&](Document& current) {
        const json::value* changed = current.if_contains("members_changed");
        if (changed == nullptr || *changed != record->at("members_changed")) return false;
        if (is_done) current.erase("members_changed");
        else current["members_changed"] = format_time(now);  // the next hour's, so that it holds up no other
        return true;
      });
    }
  }
}

// A member's document does it in time; but all of them may have lost theirs.
void remove_deleted_channels(Services& services, WallTime now) {
  Database& registry = services.registry.database();
  for (int page = 0; page < most_pages; ++page) {
    const auto ids = ids_up_to(registry, "channels_by_until", format_time(now));
    if (ids.empty()) return;
    for (const auto& record : registry.get_many(ids)) {
      if (record) remove_channel(services, *record);
    }
  }
}

// Entries whose record nobody wrote again, and those that a killed process left in one. Written first, and taken out of the
// records then: cut off in between, they are written once more, which changes nothing.
void write_held_audits(Services& services, WallTime now) {
  Database& registry = services.registry.database();
  json::value last;
  for (int page = 0; page < most_pages; ++page) {
    const auto rows = registry.view("audit", {{"startkey", json::array{"held", ""}},
                                              {"endkey", json::array{"held", before(now, audits_settle)}},
                                              {"include_docs", true},
                                              {"limit", ids_a_purge}});
    if (rows.empty() || rows.front().at("id") == last) return;
    last = rows.front().at("id");
    std::vector<Document> records;
    std::vector<Document> entries;
    for (const json::object& row : rows) {
      const json::object* record = get_object(row, "doc");
      if (record == nullptr) continue;
      const auto held = noted_audits(*record);
      entries.insert(entries.end(), held.begin(), held.end());
      records.push_back(*record);
    }
    if (services.registry.write_audits(entries) < entries.size()) return services.log.error(refused_entries);
    for (Document& record : records) record.erase("audit");
    registry.save_all(records);  // a conflict: somebody noted more, and takes those out himself
  }
}

}  // namespace

void clean_up(Services& services) {
  const WallTime now = services.env.wall_now();
  write_held_audits(services, now);
  purge_finished(services, now);
  forget_ended(services, now);
  drop_forgotten(services, now);
  forget_addresses(services, now);
  purge_branches(services);
  drop_leases(services, now);
  forget_shares(services, now);
  remove_deleted_channels(services, now);
  look_after_members(services, now);
  open_directory(services);
  mend_log_ins(services);
  services.handshake.compact();
}

}  // namespace channels
