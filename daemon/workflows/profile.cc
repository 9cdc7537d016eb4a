#include "workflows/profile.h"

#include <optional>
#include <vector>

#include "mail/text.h"
#include "workflows/group_sharing.h"
#include "workflows/introductions.h"
#include "workflows/mail_slots.h"

namespace channels {

namespace {

constexpr std::string_view profile_id = "profile";
constexpr std::size_t longest_own_name = 100;
constexpr std::size_t records_a_look = 500;
// Each is written into the databases of all who are shown it: no member must be able to have that done at his own pace.
constexpr int names_an_hour = 10;
constexpr seconds names_wait{600};

std::string name_in(const Document& doc) {
  return single_line(string_or(doc, "name", ""));
}

// Of a copy that a device wrote on; one that the daemon's last name has not reached yet says an older one.
bool is_new_name(const Document& doc, const std::string& known) {
  return name_in(doc) != known && (doc_state(doc) != "ready" || string_or(doc, "named", "") == known);
}

template <typename Work>
void each_record(Services& services, std::string_view view, const json::object& query, const Work& work) {
  for (std::size_t at = 0;;) {
    json::object page = query;
    page["include_docs"] = true;
    page["limit"] = records_a_look;
    page["skip"] = at;
    const auto rows = services.registry.database().view(view, page);
    for (const json::object& row : rows) {
      if (const json::object* record = get_object(row, "doc")) work(*record);
    }
    at += rows.size();
    if (rows.size() < records_a_look) return;
  }
}

// Channels and groups of his in which names are seen.
std::vector<Document> where_names_show(Services& services, const std::string& user) {
  std::vector<Document> records;
  const auto keep = [&](const Document& record) {
    if (!shown_of_members(record).empty()) records.push_back(record);
  };
  each_record(services, "channels_by_user", {{"startkey", json::array{user}}, {"endkey", json::array{user, json::object{}}}}, keep);
  each_record(services, "groups_by_user", {{"key", user}}, keep);
  return records;
}

// "introduce" stays in the record until the name is shown: a run that is cut off leaves that to the next one. nullopt: the hour's names
// are used up.
std::optional<Document> take_name(Services& services, const Document& known, const std::string& name, const std::string& cause) {
  bool is_free = true;
  Document record = services.registry.update(known, [&](Document& current) {
    is_free = true;
    if (string_or(current, "name", "") == name) return false;
    is_free = take_place(current, "names", cause, names_an_hour, services.env.wall_now());
    if (!is_free) return false;
    if (name.empty()) current.erase("name");
    else current["name"] = name;
    current["introduce"] = true;
    return true;
  });
  if (!is_free) return std::nullopt;
  return record;
}

void finish_introducing(Services& services, const Document& record, const std::string& user) {
  if (!record.contains("introduce")) return;
  show_anew(services, where_names_show(services, user));
  services.registry.update(record, [&](Document& current) {
    if (string_or(current, "name", "") != string_or(record, "name", "")) return false;  // a later name's run does so
    current.erase("introduce");
    return true;
  });
}

}  // namespace

Outcome take_profile(Services& services, Run& run, const Document& doc) {
  if (doc_id(doc) != profile_id) return Save{in_error(doc, "bad_id", "A person has one profile: the document \"profile\".")};
  const std::string user = services.user_of(run.database);
  auto record = services.registry.get("user-" + user);
  if (!record) return Keep{};
  if (is_new_name(doc, string_or(*record, "name", ""))) {
    if (code_points(name_in(doc)).size() > longest_own_name)
      return Save{in_error(doc, "bad_name", "A name has at most 100 characters.")};
    record = take_name(services, *record, name_in(doc), run.attempt_key);
    if (!record) return Later{run.env.wall_now() + names_wait};
  }
  finish_introducing(services, *record, user);
  Document copy = in_state(doc, "ready");
  copy["name"] = string_or(*record, "name", "");
  copy["named"] = string_or(*record, "name", "");
  copy.erase("error");
  if (same_content(copy, doc)) return Keep{};
  return Save{std::move(copy)};
}

}  // namespace channels
