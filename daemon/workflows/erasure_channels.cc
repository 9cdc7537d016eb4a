// The channels of somebody who is erased: erasure.h.
#include "base/errors.h"
#include "workflows/audit.h"
#include "workflows/channel_claims.h"
#include "workflows/channel_ends.h"
#include "workflows/erasure.h"
#include "workflows/groups.h"
#include "workflows/members.h"
#include "workflows/reach.h"
#include "workflows/sharing.h"

namespace channels {

namespace {

constexpr int channels_a_page = 100;

void plan_sharing(Erasure& erasure, const Document& record) {
  const Services& services = erasure.services;
  const std::string id = channel_id_of(record);
  if (!is_group(record)) erasure.notes.plan(services.channel_database(id), "_security", "he is no member any more");
  // Groups and their members' channels are written as well.
  for (const std::string& member : Reach(erasure.services).everybody(record)) {
    if (member != erasure.user) erasure.notes.plan(services.control_database(member), id, "shows him no more");
  }
}

// Nobody else has it.
void delete_at_once(Erasure& erasure, const Document& known) {
  Services& services = erasure.services;
  erasure.notes.plan(services.channel_database(channel_id_of(known)), "", "deleted: nobody else was in it");
  erasure.notes.save();
  const std::string now = format_time(services.env.wall_now());
  const Document record = services.registry.update(known, [&](Document& current) {
    if (is_ended(current) && doc_state(current) != "deleted") return false;
    if (!is_ended(current))
      note_audit(current, {"channel deleted", std::string(by_operator), {{"channel", channel_id_of(current)}}}, services.env.wall_now());
    current["state"] = "deleted";
    current["deleted"] = now;
    current["until"] = now;
    return true;
  });
  remove_channel(services, record);
}

// A group has no database; its id stays, since channels name it, and whoever made a group of it anew would come into them.
void end_group(Erasure& erasure, const Document& known) {
  Services& services = erasure.services;
  erasure.notes.plan(services.options.registry_db, doc_id(known), "ended: nobody else was in the group");
  erasure.notes.save();
  services.registry.update(known, [&](Document& current) {
    note_audit(current, {"group gone", std::string(by_operator), {{"channel", channel_id_of(current)}}}, services.env.wall_now());
    current = {{"_id", doc_id(current)}, {"_rev", doc_rev(current)}, {"type", "group"}, {"state", "gone"},
               {"ended", format_time(services.env.wall_now())}, {"audit", current.at("audit")}};
    return true;
  });
}

void move_name(Services& services, const std::string& user, const Document& before, const Document& after) {
  const std::string id = channel_id_of(before);
  release_channel_name(services, {id, string_or(before, "name", ""), user});
  release_channel_name(services, {id, string_or(before, "renaming", ""), user});
  // Where he has another channel of that name, this one goes without the claim: he renames one of them.
  if (namer_of(before) == user && !is_ended(after)) claim_channel_name(services, {id, string_or(after, "name", ""), namer_of(after)});
}

void hand_over(Erasure& erasure, const Document& known) {
  Services& services = erasure.services;
  // "erasing": a run that was killed has taken him out, and may have shown it to nobody.
  const bool was_member = is_member(known, erasure.user) || string_or(known, "erasing", "") == erasure.user;
  const bool was_last_owner = members_with(known, access_owner) == std::vector<std::string>{erasure.user};
  erasure.notes.plan(services.options.registry_db, doc_id(known),
                     was_last_owner ? "handed over to user " + heir_of(known, erasure.user) : "taken out of it");
  if (was_member) plan_sharing(erasure, known);
  erasure.notes.save();
  const Document record = services.registry.update(known, [&](Document& current) {
    const std::string heir = heir_of(current, erasure.user);
    if (heir.empty()) throw Unavailable("the members of a channel change at the same time");
    forget_member(current, erasure.user, heir, services.env.wall_now());
    if (was_member) current["erasing"] = erasure.user;
    return true;
  });
  if (!is_group(record)) move_name(services, erasure.user, known, record);
  if (!was_member) return;
  try {
    share_out(services, record);
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;  // an admin deleted the channel's database
  }
  services.registry.update(doc_id(record), [&](Document& current) { return current.erase("erasing") > 0; });
}

void leave(Erasure& erasure, const Document& record) {
  if (!heir_of(record, erasure.user).empty()) hand_over(erasure, record);
  else if (is_group(record)) end_group(erasure, record);
  else delete_at_once(erasure, record);
}

void leave_all(Erasure& erasure, std::string_view type) {
  Registry& registry = erasure.services.registry;
  const json::object query{{"key", json::array{erasure.user, type}}, {"limit", channels_a_page}};
  while (true) {
    const auto rows = registry.database().view("by_person", query);
    if (rows.empty()) return;
    for (const json::object& row : rows) {
      if (const auto record = registry.get(string_or(row, "id", ""))) leave(erasure, *record);
    }
  }
}

}  // namespace

void leave_all_channels(Erasure& erasure) {
  leave_all(erasure, "group");
  leave_all(erasure, "channel");
}

}  // namespace channels
