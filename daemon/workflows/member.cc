#include "workflows/member.h"

#include <optional>
#include <vector>

#include "workflows/arrival.h"
#include "workflows/channel_claims.h"
#include "workflows/group_access.h"
#include "workflows/introductions.h"
#include "workflows/members.h"
#include "workflows/publication.h"
#include "workflows/sharing.h"
#include "workflows/wish.h"

namespace channels {

namespace {

// A document, read.
struct MemberWish {
  std::string kind;
  std::string by;  // the user of the database
  std::string user;
  std::string access;
  bool wipe = false;
  std::string cause;
};

MemberWish read_wish(const Document& doc, const std::string& by, const std::string& cause) {
  MemberWish wish{doc_state(doc), by, string_or(doc, "user", ""), string_or(doc, "access", ""), is_true(doc, "wipe"), cause};
  if (wish.kind == "leave") wish.user = by;
  if (wish.kind == "hand over" && !doc.contains("access")) wish.access = access_writer;
  return wish;
}

bool changes_access(const MemberWish& wish) {
  return wish.kind == "change" || wish.kind == "hand over";
}

std::vector<MemberChange> changes_of(const MemberWish& wish) {
  if (wish.kind == "change") return {{wish.user, wish.access, wish.cause, false, false, wish.by}};
  if (wish.kind == "hand over")
    return {{wish.user, std::string(access_owner), wish.cause, false, false, wish.by, "member handed over"},
            {wish.by, wish.access, wish.cause, false, false, wish.by}};
  return {{wish.user, std::string(access_none), wish.cause, wish.kind == "leave", wish.wipe, wish.by}};
}

bool keeps_an_owner(const Document& record, const MemberWish& wish) {
  Document after = record;
  change_members(after, changes_of(wish), WallTime{});
  return !members_with(after, access_owner).empty();
}

bool has_left(const Document& record, const std::string& user) {
  const json::object* member = member_entry(record, user);
  return member != nullptr && is_true(*member, "left");
}

// In this order: who is no member learns nothing about a channel, who is no owner nothing that he can't see.
std::optional<Fault> fault_of_wish(const Document& record, const MemberWish& wish) {
  if (doc_state(record) != "ready" || !is_member(record, wish.by))
    return Fault{"no_member", "There is no such channel or group for this user."};
  if (wish.kind != "leave" && access_of(record, wish.by) != access_owner)
    return Fault{"no_owner", "Only an owner changes the members of a channel or group."};
  if (changes_access(wish) && !is_access(wish.access))
    return Fault{"bad_access", "The access of a member is \"owner\", \"writer\" or \"reader\"."};
  if (wish.kind == "remove" && has_left(record, wish.user)) return std::nullopt;  // he doesn't come back by a link then
  if (!is_member(record, wish.user)) return Fault{"no_member", "\"user\" is no member of this channel: invite him."};
  if (wish.kind == "hand over" && wish.user == wish.by)
    return Fault{"no_member", "\"user\" is you: hand the channel over to another member."};
  if (!keeps_an_owner(record, wish))
    return Fault{"last_owner", "There is at least one owner always: hand it over to another member first."};
  return std::nullopt;
}

// What a document is about, read once for all that look at it.
struct WishRecords {
  std::optional<Document> channel;  // or a group that is changed itself
  std::optional<Document> group;    // that gets the channel, or loses it
};

WishRecords read_records(Services& services, const Document& doc) {
  const auto record_of = [&](const char* key) {
    const std::string id = string_or(doc, key, "");
    return id.empty() ? std::nullopt : services.registry.get(channel_record_id(id));
  };
  return {record_of("channel"), record_of("group")};
}

std::optional<Outcome> wait_for_both(Run& run, const Document& doc, const WishRecords& records) {
  if (auto later = wait_for_channel(run, string_or(doc, "channel", ""), records.channel)) return later;
  return wait_for_channel(run, string_or(doc, "group", ""), records.group);
}

Outcome change_member(Services& services, Run& run, const Document& doc, const Document& record) {
  const MemberWish wish = read_wish(doc, services.user_of(run.database), run.attempt_key);
  if (wish.kind == "leave" && was_published(record) && !is_member(record, wish.by) &&
      !follower_state(services, record, wish.by).empty()) {
    unfollow(services, record, wish.by);
    return answer_wish(doc, std::nullopt);
  }
  const Fulfilled changed = fulfil(services, record, wish.cause, [&](Document& current) {
    auto fault = fault_of_wish(current, wish);
    if (!fault) change_members(current, changes_of(wish), run.env.wall_now());
    return fault;
  });
  if (!changed.fault) share_out(services, changed.record, wish.cause);
  return answer_wish(doc, changed.fault);
}

}  // namespace

Outcome change_membership(Services& services, Run& run, const Document& doc) {
  const WishRecords records = read_records(services, doc);
  if (auto later = wait_for_both(run, doc, records)) return std::move(*later);
  if (!records.channel || (doc.contains("group") && !records.group))
    return answer_wish(doc, Fault{"no_member", "There is no such channel or group for this user."});
  if (records.group) return change_group_access(services, run, doc, *records.channel, *records.group);
  if (doc_state(doc) == "publish" || doc_state(doc) == "unpublish") return change_publication(services, run, doc, *records.channel);
  if (doc_state(doc) == "show") return change_introductions(services, run, doc, *records.channel);
  return change_member(services, run, doc, *records.channel);
}

}  // namespace channels
