#include "workflows/channel_ends.h"

#include "base/errors.h"
#include "engine/records.h"
#include "workflows/audit.h"
#include "workflows/channel_claims.h"
#include "workflows/members.h"
#include "workflows/sharing.h"

namespace channels {

namespace {

constexpr int most_end_tries = 10;

bool is_deleted_state(const Document& record) {
  return doc_state(record) == "deleted";
}

void set_archived(Document& record, bool archived, WallTime now) {
  if (archived) record["archived"] = format_time(now);
  else record.erase("archived");
}

void set_deleted(Document& record, WallTime now, seconds kept) {
  record["state"] = "deleted";
  record["deleted"] = format_time(now);
  record["until"] = format_time(now + kept);
}

void bring_back(Document& record) {
  record["state"] = "ready";
  record.erase("deleted");
  record.erase("until");
}

bool is_as_wished(const Document& record, std::string_view kind) {
  if (kind == "delete") return is_ended(record);
  if (kind == "undelete") return !is_ended(record);
  return is_archived(record) == (kind == "archive");
}

// A deleted channel's name is free; and who wants the channel back needs it again.
std::optional<Fault> claim_name_again(Services& services, const Document& record) {
  const ChannelWish wish{channel_id_of(record), string_or(record, "name", ""), namer_of(record)};
  if (claim_channel_name(services, wish) == wish.id) return std::nullopt;
  return Fault{"duplicate", "There is another channel of this name by now: give that one another name first."};
}

void release_names(Services& services, const Document& record) {
  const std::string id = channel_id_of(record);
  release_channel_name(services, {id, string_or(record, "name", ""), namer_of(record)});
  const std::string old_name = string_or(record, "renaming", "");
  if (!old_name.empty()) release_channel_name(services, {id, old_name, string_or(record, "renaming_of", "")});
}

// By the record as it is now: a run that comes late follows what was wished since.
void follow_record(Services& services, const Document& record, const std::string& but) {
  if (is_ended(record)) release_names(services, record);
  share_out(services, record, "", but);
}

std::string deed_of_end(std::string_view kind) {
  if (kind == "archive") return "channel archived";
  if (kind == "reopen") return "channel reopened";
  return kind == "delete" ? "channel deleted" : "channel brought back";
}

// nullopt: somebody has changed the record since it was read.
std::optional<EndResult> try_end(Services& services, const Document& channel_record, const EndWish& wish) {
  const WallTime now = services.env.wall_now();
  EndResult result{channel_record, fault_of_end(channel_record, wish, now)};
  const bool is_handled = was_handled(channel_record, wish.cause);  // by a run that was cut off
  if (!result.fault && !is_handled && wish.kind == "undelete" && is_ended(channel_record))
    result.fault = claim_name_again(services, channel_record);
  if (result.fault || is_handled) return result;
  const auto changed = update_unless_changed(services.registry, channel_record, [&](Document& current) {
    return change_end(current, wish, now, services.options.deleted_kept);
  });
  if (!changed) return std::nullopt;
  result.record = *changed;
  return result;
}

}  // namespace

bool is_end_wish(std::string_view state) {
  return state == "archive" || state == "reopen" || state == "delete" || state == "undelete";
}

bool is_archived(const Document& channel_record) {
  return channel_record.contains("archived");
}

bool is_ended(const Document& channel_record) {
  return is_deleted_state(channel_record) || doc_state(channel_record) == "removing" || is_gone(channel_record);
}

bool is_gone(const Document& channel_record) {
  return doc_state(channel_record) == "gone";
}

bool is_past_return(const Document& channel_record, WallTime now) {
  if (doc_state(channel_record) == "removing") return true;
  const auto until = parse_time(string_or(channel_record, "until", ""));
  return is_deleted_state(channel_record) && (!until || *until <= now);
}

std::optional<Fault> fault_of_end(const Document& channel_record, const EndWish& wish, WallTime now) {
  if (access_of(channel_record, wish.user) != access_owner)
    return Fault{"no_owner", "Only an owner archives, reopens or deletes a channel, or brings it back."};
  if (is_as_wished(channel_record, wish.kind)) return std::nullopt;
  if (wish.kind == "undelete" && (!is_deleted_state(channel_record) || is_past_return(channel_record, now)))
    return Fault{"too_late", "The time in which this channel could be brought back is over."};
  if (wish.kind != "undelete" && is_ended(channel_record)) return Fault{"deleted", "This channel is deleted: bring it back first."};
  return std::nullopt;
}

bool change_end(Document& channel_record, const EndWish& wish, WallTime now, seconds deleted_kept) {
  if (was_handled(channel_record, wish.cause) || is_as_wished(channel_record, wish.kind)) return false;
  if (wish.kind == "delete") set_deleted(channel_record, now, deleted_kept);
  else if (wish.kind == "undelete") bring_back(channel_record);
  else set_archived(channel_record, wish.kind == "archive", now);
  channel_record["members_changed"] = format_time(now);
  note_handled(channel_record, wish.cause);
  note_audit(channel_record, {deed_of_end(wish.kind), wish.user, {{"channel", channel_id_of(channel_record)}}}, now);
  return true;
}

EndResult carry_out_end(Services& services, const Document& channel_record, const EndWish& wish) {
  Document record = channel_record;
  for (int tries = 0; tries < most_end_tries; ++tries) {
    if (const auto result = try_end(services, record, wish)) {
      if (!result->fault) follow_record(services, result->record, wish.user);
      return *result;
    }
    record = services.registry.get(doc_id(channel_record)).value_or(Document{});
  }
  throw Unavailable("the channel changes all the time");
}

Document remove_channel(Services& services, const Document& channel_record, const std::string& but) {
  const WallTime now = services.env.wall_now();
  const Document record = services.registry.update(channel_record, [&](Document& current) {
    if (!is_deleted_state(current) || !is_past_return(current, now)) return false;
    current["state"] = "removing";
    return true;
  });
  if (doc_state(record) != "removing") return record;
  const std::string database = services.channel_database(channel_id_of(record));
  Database(services.server, database).remove();
  remove_checkpoint(services.registry.database(), database);
  release_names(services, record);
  const Document gone{{"_id", doc_id(record)}, {"type", "channel"}, {"state", "gone"}, {"ended", format_time(now)}};
  show_gone(services, gone, record, but);
  return services.registry.update(record, [&](Document& current) {
    if (is_gone(current)) return false;
    const std::string rev = doc_rev(current);
    const json::array* held = get_array(current, "audit");
    const json::array entries = held == nullptr ? json::array() : *held;
    current = gone;
    current["_rev"] = rev;
    if (!entries.empty()) current["audit"] = entries;
    note_audit(current, {"channel gone", std::string(by_daemon), {{"channel", channel_id_of(current)}}}, now);
    return true;
  });
}

}  // namespace channels
