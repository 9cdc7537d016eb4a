#include "workflows/groups.h"

#include <algorithm>
#include <array>

#include "workflows/members.h"

namespace channels {

namespace {

const json::object no_groups;

const json::object& groups_in(const Document& record) {
  const json::object* groups = get_object(record, "groups");
  return groups == nullptr ? no_groups : *groups;
}

std::ptrdiff_t rank_of(std::string_view access) {
  constexpr std::array<std::string_view, 4> ranks{access_none, access_reader, access_writer, access_owner};
  const auto found = std::find(ranks.begin(), ranks.end(), access);
  return found == ranks.end() ? -1 : found - ranks.begin();
}

}  // namespace

bool is_group(const Document& record) {
  return doc_type(record) == "group";
}

std::string group_role(std::string_view group_id) {
  return "group:" + std::string(group_id);
}

std::string group_reader_role(std::string_view group_id) {
  return "group-reader:" + std::string(group_id);
}

std::vector<std::string> roles_in_group(std::string_view group_id, std::string_view access) {
  if (!is_access(access)) return {};
  return {access == access_reader ? group_reader_role(group_id) : group_role(group_id)};
}

std::vector<std::string> groups_of(const Document& channel_record) {
  std::vector<std::string> ids;
  for (const auto& [id, entry] : groups_in(channel_record)) ids.emplace_back(id);
  return ids;
}

std::string group_access(const Document& channel_record, std::string_view group_id) {
  const json::object* entry = get_object(groups_in(channel_record), group_id);
  return entry == nullptr ? "" : string_or(*entry, "access", "");
}

void change_group(Document& channel_record, std::string_view group_id, std::string_view access, bool wipe,
                  const std::string& cause, WallTime now) {
  json::object groups;
  if (const json::object* before = get_object(channel_record, "groups")) groups = *before;
  json::object entry{{"access", access}, {"since", format_time(now)}};
  if (access == access_none) entry["wipe"] = wipe;
  groups[group_id] = std::move(entry);
  channel_record["groups"] = std::move(groups);
  channel_record["members_changed"] = format_time(now);
  note_handled(channel_record, cause);
}

std::string access_through(std::string_view of_group, std::string_view in_group) {
  if (of_group.empty() || in_group.empty()) return "";
  if (!is_access(of_group) || !is_access(in_group)) return std::string(access_none);
  const bool reads_only = of_group == access_reader || in_group == access_reader;
  return std::string(reads_only ? access_reader : access_writer);
}

std::string higher_access(std::string_view left, std::string_view right) {
  return std::string(rank_of(left) >= rank_of(right) ? left : right);
}

json::array shown_groups(const Document& channel_record) {
  json::array shown;
  for (const auto& [id, entry] : groups_in(channel_record)) {
    const json::object* group = entry.if_object();
    if (group == nullptr || !is_access(string_or(*group, "access", ""))) continue;
    shown.push_back(json::object{{"group", id}, {"access", string_or(*group, "access", "")}});
  }
  return shown;
}

}  // namespace channels
