#include "workflows/publication.h"

#include <optional>
#include <vector>

#include "base/digest.h"
#include "base/errors.h"
#include "provision/users.h"
#include "workflows/audit.h"
#include "workflows/channel_claims.h"
#include "workflows/group_sharing.h"
#include "workflows/groups.h"
#include "workflows/members.h"
#include "workflows/sharing.h"
#include "workflows/wish.h"

namespace channels {

namespace {

constexpr std::size_t rows_a_page = 500;
constexpr int most_tries_to_list = 5;

std::string follower_id(const Document& channel_record, std::string_view user) {
  return "follower-" + sha256_hex(channel_id_of(channel_record) + "\n" + std::string(user));
}

void set_follower(Services& services, const Document& channel_record, const std::string& user, std::string_view state) {
  services.registry.update(follower_id(channel_record, user), [&](Document& follower) {
    if (doc_state(follower) == state) return false;
    follower["type"] = "follower";
    follower["state"] = state;
    follower["channel"] = channel_id_of(channel_record);
    follower["user"] = user;
    note_audit(follower,
               {state == "following" ? "channel followed" : "channel unfollowed", user, {{"channel", channel_id_of(channel_record)}, {"user", user}}},
               services.env.wall_now());
    return true;
  });
}

Document listing_of(Services& services, const Document& record, Document listing) {
  const std::string database = services.channel_database(channel_id_of(record));
  listing["type"] = "listing";
  listing["state"] = "public";
  listing["name"] = string_or(record, "name", "");
  listing["database"] = database;
  listing["syncpoint"] = services.syncpoint(database);
  return listing;
}

void put_listing(Services& services, const Document& record) {
  if (services.options.directory_db.empty()) return;
  Database directory(services.server, services.options.directory_db);
  const std::string id = channel_id_of(record);
  for (int tries = 0; tries < most_tries_to_list; ++tries) {
    const auto found = directory.get(id);
    if (!is_public(record) && !found) return;
    Document wanted = listing_of(services, record, found.value_or(Document{{"_id", id}}));
    if (!is_public(record)) wanted = {{"_id", id}, {"_rev", doc_rev(*found)}, {"_deleted", true}};
    if ((found && same_content(wanted, *found)) || directory.save(wanted).ok()) return;
  }
  throw Unavailable("the listing of a public channel changes all the time");
}

// In the order of users.
std::vector<std::string> followers_of(Services& services, const std::string& channel_id, const std::string& after) {
  std::vector<std::string> users;
  for (const json::object& row : services.registry.database().view(
           "followers_by_channel", {{"startkey", json::array{channel_id, after}},
                                    {"endkey", json::array{channel_id, json::object{}}},
                                    {"limit", rows_a_page}})) {
    const json::array* key = get_array(row, "key");
    if (key != nullptr && key->size() == 2 && key->at(1).is_string() && key->at(1).as_string() != after)
      users.emplace_back(key->at(1).as_string());
  }
  return users;
}

void show_to_follower(Services& services, const Document& record, const std::string& user) {
  try {
    show_channels(services, user, {record});
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;  // somebody whose control database is gone
  }
}

std::optional<Fault> fault_of_publication(Services& services, const Document& record, const std::string& by) {
  if (services.options.directory_db.empty())
    return Fault{"no_directory", "This server has no directory of public channels."};
  if (doc_state(record) != "ready" || !is_member(record, by))
    return Fault{"no_member", "There is no such channel for this user."};
  if (is_group(record)) return Fault{"bad_wish", "A group is never public: publish its channels."};
  if (access_of(record, by) != access_owner)
    return Fault{"no_owner", "Only an owner of a channel makes it public."};
  return std::nullopt;
}

}  // namespace

bool is_public(const Document& channel_record) {
  return is_true(channel_record, "public") && doc_state(channel_record) == "ready";
}

bool was_published(const Document& channel_record) {
  return channel_record.contains("public");
}

std::string everybody_role() {
  return "channels:everybody";
}

std::string follower_state(Services& services, const Document& channel_record, std::string_view user) {
  const auto follower = services.registry.get(follower_id(channel_record, user));
  return follower ? doc_state(*follower) : "";
}

Outcome change_publication(Services& services, Run& run, const Document& doc, const Document& record) {
  const std::string by = services.user_of(run.database);
  const Fulfilled published = fulfil(services, record, run.attempt_key, [&](Document& current) {
    auto fault = fault_of_publication(services, current, by);
    if (fault) return fault;
    current["public"] = doc_state(doc) == "publish";
    current["members_changed"] = format_time(run.env.wall_now());
    note_audit(current, {is_true(current, "public") ? "channel published" : "channel unpublished", by, {{"channel", channel_id_of(current)}}},
               run.env.wall_now());
    note_handled(current, run.attempt_key);
    return fault;
  });
  if (!published.fault) share_out(services, published.record);
  return answer_wish(doc, published.fault);
}

void follow(Services& services, const Document& channel_record, const std::string& user) {
  set_follower(services, channel_record, user, "following");
  show_channels(services, user, {channel_record});
}

void unfollow(Services& services, const Document& channel_record, const std::string& user) {
  if (follower_state(services, channel_record, user) != "following") return;
  set_follower(services, channel_record, user, "ended");
  show_channels(services, user, {channel_record});
}

void show_publicly(Services& services, const Document& channel_record) {
  if (!was_published(channel_record)) return;
  put_listing(services, channel_record);
  std::string after;
  for (;;) {
    const auto users = followers_of(services, channel_id_of(channel_record), after);
    for (const std::string& user : users) show_to_follower(services, channel_record, user);
    if (users.size() + 1 < rows_a_page) return;
    after = users.back();
  }
}

void open_directory(Services& services) {
  constexpr const char* mark = "directory-opened";
  if (services.options.directory_db.empty() || services.registry.get(mark)) return;
  json::array after{""};
  for (;;) {
    const auto rows = services.registry.database().view(
        "devices_by_user", {{"startkey", after}, {"limit", rows_a_page}});
    for (const json::object& row : rows) {
      const json::array* key = get_array(row, "key");
      if (key == nullptr || key->size() < 2 || key->at(1) != "active") continue;
      const std::string user(key->at(0).as_string());
      put_roles(services.server, device_of_record(string_or(row, "id", "")), roles_of_user(services, user));
    }
    if (rows.size() < rows_a_page) break;
    // All of that user once more: he may have more devices than are in this page.
    const json::array* last = get_array(rows.back(), "key");
    if (last == nullptr || *last == after) break;
    after = *last;
  }
  services.registry.claim({{"_id", mark}, {"type", "mark"}, {"state", "done"}});
}

}  // namespace channels
