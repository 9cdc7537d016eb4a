#include "workflows/reach.h"

#include <algorithm>

#include "workflows/channel_claims.h"
#include "workflows/groups.h"
#include "workflows/members.h"
#include "workflows/publication.h"

namespace channels {

const Document& Reach::group(const std::string& id) {
  const auto known = groups_.find(id);
  if (known != groups_.end()) return known->second;
  auto record = services_.registry.get(channel_record_id(id));
  return groups_.emplace(id, record && is_group(*record) ? std::move(*record) : Document{}).first->second;
}

std::string Reach::membership(const Document& record, std::string_view user) {
  std::string best = access_of(record, user);
  for (const std::string& id : groups_of(record)) {
    if (best == access_owner || best == access_writer) break;  // through a group he gets no more
    best = higher_access(best, access_through(group_access(record, id), access_of(group(id), user)));
  }
  return best;
}

// The newest of his own end, and of those of the groups through which he had it.
void Reach::add_ending(const Document& record, std::string_view user, Standing& standing) {
  std::string newest;
  const auto take = [&](const json::object* entry) {
    if (entry == nullptr || string_or(*entry, "access", "") != access_none) return;
    const std::string since = string_or(*entry, "since", "");
    if (since < newest) return;
    newest = since;
    standing.left = is_true(*entry, "left");
    standing.wipe = is_true(*entry, "wipe");
  };
  take(member_entry(record, user));
  for (const std::string& id : groups_of(record)) {
    if (access_of(group(id), user).empty()) continue;
    take(get_object(record.at("groups").as_object(), id));
    take(member_entry(group(id), user));
  }
}

Standing Reach::standing(const Document& record, std::string_view user) {
  Standing standing{membership(record, user)};
  standing.sees_members = is_access(standing.access);
  if (standing.sees_members) return standing;
  if (was_published(record)) {
    const std::string follower = follower_state(services_, record, user);
    if (follower == "following" && is_public(record)) return {std::string(access_reader)};
    if (!follower.empty()) standing.access = access_none;
  }
  if (standing.access == access_none) add_ending(record, user, standing);
  return standing;
}

bool Reach::was_put_out_since(const Document& record, std::string_view user, const std::string& time) {
  const auto is_such = [&](const json::object* entry) {
    return entry != nullptr && string_or(*entry, "access", "") == access_none && !is_true(*entry, "left") &&
           string_or(*entry, "since", "") >= time;
  };
  if (is_such(member_entry(record, user))) return true;
  const auto ids = groups_of(record);
  return std::any_of(ids.begin(), ids.end(), [&](const std::string& id) { return is_such(member_entry(group(id), user)); });
}

std::string Reach::access(const Document& record, std::string_view user) {
  return standing(record, user).access;
}

bool Reach::has(const Document& record, std::string_view user) {
  return is_access(access(record, user));
}

std::map<std::string, std::string> Reach::all(const Document& record) {
  std::map<std::string, std::string> found;
  const auto add = [&](const Document& of) {
    for (const std::string& user : members_of(of)) found.emplace(user, "");
    for (const std::string& user : former_members_of(of)) found.emplace(user, "");
  };
  add(record);
  for (const std::string& id : groups_of(record)) add(group(id));
  for (auto& [user, its] : found) its = membership(record, user);
  return found;
}

std::vector<std::string> Reach::everybody(const Document& record) {
  if (groups_of(record).empty()) return members_of(record);
  std::vector<std::string> users;
  for (const auto& [user, its] : all(record)) {
    if (is_access(its)) users.push_back(user);
  }
  return users;
}

std::vector<std::string> Reach::former(const Document& record) {
  if (groups_of(record).empty()) return former_members_of(record);
  std::vector<std::string> users;
  for (const auto& [user, its] : all(record)) {
    if (its == access_none) users.push_back(user);
  }
  return users;
}

}  // namespace channels
