#include "workflows/group_access.h"

#include <optional>

#include "workflows/audit.h"
#include "workflows/channel_claims.h"
#include "workflows/groups.h"
#include "workflows/members.h"
#include "workflows/sharing.h"
#include "workflows/wish.h"

namespace channels {

namespace {

// All of them are in the channel's document on every member's devices.
constexpr std::size_t most_groups = 50;

struct GroupWish {
  std::string kind;
  std::string access;
  std::string by;
};

bool is_owner(const Document& record, const std::string& user) {
  return access_of(record, user) == access_owner;
}

// In this order: who is in neither learns nothing of them.
std::optional<Fault> fault_of_group_wish(const Document& channel, const Document& group, const GroupWish& wish) {
  if (doc_state(channel) != "ready" || !(is_member(channel, wish.by) || is_member(group, wish.by)))
    return Fault{"no_member", "There is no such channel for this user."};
  if (wish.kind == "remove" && group_access(channel, channel_id_of(group)).empty())
    return Fault{"no_member", "The group doesn't have this channel."};
  if (wish.kind == "remove") {
    if (is_owner(channel, wish.by) || is_owner(group, wish.by)) return std::nullopt;
    return Fault{"no_owner", "Only an owner of the channel or of the group takes it away."};
  }
  if (wish.kind != "change")
    return Fault{"bad_wish", "A group's access to a channel is set by \"change\" and ended by \"remove\"."};
  if (!is_owner(channel, wish.by) || !is_owner(group, wish.by))
    return Fault{"no_owner", "Only who is an owner of both gives a channel to a group."};
  if (wish.access != access_writer && wish.access != access_reader)
    return Fault{"bad_access", "The access of a group is \"writer\" or \"reader\"."};
  if (group_access(channel, channel_id_of(group)).empty() && groups_of(channel).size() >= most_groups)
    return Fault{"too_many", "A channel has 50 groups at most, with those that had it before."};
  return std::nullopt;
}

// Before the change.
void note_group_access(Document& channel, const Document& group, const GroupWish& wish, WallTime now) {
  const std::string id = channel_id_of(group);
  const bool had_it = is_access(group_access(channel, id));
  Deed deed{wish.kind == "remove" ? "group removed" : had_it ? "group access" : "group added",
            wish.by,
            {{"channel", channel_id_of(channel)}, {"group", id}}};
  if (wish.kind == "change") deed.about["access"] = wish.access;
  note_audit(channel, deed, now);
}

}  // namespace

Outcome change_group_access(Services& services, Run& run, const Document& doc, const Document& channel, const Document& group) {
  const GroupWish wish{doc_state(doc), string_or(doc, "access", ""), services.user_of(run.database)};
  if (is_group(channel) || !is_group(group))
    return answer_wish(doc, Fault{"no_member", "There is no such channel or group for this user."});
  const Fulfilled given = fulfil(services, channel, run.attempt_key, [&](Document& current) {
    auto fault = fault_of_group_wish(current, group, wish);
    if (fault) return fault;
    const std::string access = wish.kind == "remove" ? std::string(access_none) : wish.access;
    note_group_access(current, group, wish, run.env.wall_now());
    change_group(current, channel_id_of(group), access, is_true(doc, "wipe"), run.attempt_key, run.env.wall_now());
    return fault;
  });
  if (!given.fault) share_out(services, given.record);
  return answer_wish(doc, given.fault);
}

}  // namespace channels
