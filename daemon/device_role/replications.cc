#include "device_role/replications.h"

#include <map>
#include <set>

#include "base/digest.h"
#include "device_role/syncpoint.h"
#include "provision/channel_id.h"
#include "provision/users.h"

namespace channels {

namespace {

constexpr std::string_view id_prefix = "channels-";
constexpr std::size_t digest_digits = 32;

json::object endpoint(std::string_view url, std::string_view username, std::string_view password) {
  return {{"url", url}, {"auth", {{"basic", {{"username", username}, {"password", password}}}}}};
}

// The parts that are ours; CouchDB adds `owner` and, for what ended, `_replication_*`.
json::object our_parts(const Document& doc) {
  json::object parts;
  for (const char* key : {"source", "target", "continuous", "channels"}) {
    if (const json::value* value = doc.if_contains(key)) parts[key] = *value;
  }
  return parts;
}

SyncPair pair_of(const DeviceOptions& options, const std::string& cloud, const Document& doc,
                 const std::string& channel) {
  SyncPair pair{channel, options.channel_prefix + channel, string_or(doc, "syncpoint", ""),
                doc_state(doc)};
  if (string_or(doc, "channel", "") != channel) {
    pair.refused = "Its channel is not the one in its _id.";
  } else if (!accepts_syncpoint(cloud, pair.syncpoint, channel)) {
    pair.refused =
        "Its syncpoint " + pair.syncpoint + " is no database of this channel at " + cloud + ".";
  }
  return pair;
}

// The id of the user's first channel of that name, where the cloud said that this is a second one.
std::string duplicate_of(const Document& channel) {
  const json::object* error = get_object(channel, "error");
  if (doc_state(channel) != "error" || error == nullptr || string_or(*error, "error", "") != "duplicate")
    return "";
  const std::string first = string_or(channel, "channel", "");
  return is_channel_id(doc_id(channel)) && is_channel_id(first) && first != doc_id(channel) ? first : "";
}

}  // namespace

std::vector<SyncPair> sync_pairs(const DeviceOptions& options, const Document& pairing,
                                 const std::vector<Document>& documents) {
  const std::string user = string_or(pairing, "user", "");
  const std::string cloud = string_or(pairing, "cloud", "");
  const std::string ending = "-sub-" + user;
  std::vector<SyncPair> pairs{
      {"", options.control_prefix + user, string_or(pairing, "syncpoint", ""), "active"}};
  std::set<std::string> subscribed;
  for (const Document& doc : documents) {
    const std::string id = doc_id(doc);
    if (doc_type(doc) != "subscription" || !id.ends_with(ending)) continue;
    const std::string channel = id.substr(0, id.size() - ending.size());
    if (!is_channel_id(channel)) continue;
    subscribed.insert(channel);
    pairs.push_back(pair_of(options, cloud, doc, channel));
  }
  for (const Document& doc : documents) {
    const std::string first = doc_type(doc) == "channel" ? duplicate_of(doc) : "";
    if (first.empty() || subscribed.contains(doc_id(doc))) continue;
    pairs.push_back({doc_id(doc), options.channel_prefix + doc_id(doc), "", "active", "", options.channel_prefix + first});
  }
  return pairs;
}

std::string replication_id(const Document& pairing, const SyncPair& pair, Direction direction) {
  const std::string digest = sha256_hex(string_or(pairing, "device", "") + "\n" + pair.database);
  return std::string(id_prefix) + digest.substr(0, digest_digits) +
         (direction == Direction::push ? "-push" : "-pull");
}

bool is_replication_id(std::string_view id) {
  if (!id.starts_with(id_prefix) || !(id.ends_with("-push") || id.ends_with("-pull"))) return false;
  return is_lower_hex(id.substr(id_prefix.size(), id.size() - id_prefix.size() - 5), digest_digits);
}

Document replication(const Document& pairing, const SyncPair& pair, Direction direction,
                     std::string_view local_url) {
  const json::object local = endpoint(std::string(local_url) + url_encode(pair.database),
                                      local_account, string_or(pairing, "local_secret", ""));
  const json::object other =
      pair.joined.empty()
          ? endpoint(pair.syncpoint, username_of(string_or(pairing, "device", "")), string_or(pairing, "secret", ""))
          : endpoint(std::string(local_url) + url_encode(pair.joined), local_account, string_or(pairing, "local_secret", ""));
  const bool push = direction == Direction::push;
  json::object channels{{"database", pair.database}, {"direction", push ? "push" : "pull"}, {"channel", pair.channel}};
  if (!pair.joined.empty()) channels["joined"] = pair.joined;
  return {{"_id", replication_id(pairing, pair, direction)},
          {"source", push ? local : other},
          {"target", push ? other : local},
          {"continuous", true},
          {"channels", std::move(channels)}};
}

ReplicationChanges changes_to(const std::vector<Document>& wanted,
                              const std::vector<Document>& existing) {
  std::map<std::string, const Document*> left;
  for (const Document& doc : existing) {
    if (is_replication_id(doc_id(doc))) left[doc_id(doc)] = &doc;
  }
  ReplicationChanges changes;
  for (const Document& doc : wanted) {
    const auto found = left.find(doc_id(doc));
    Document next = doc;
    if (found != left.end()) {
      const Document& there = *found->second;
      left.erase(found);
      if (json::value(our_parts(there)) == json::value(our_parts(doc))) continue;
      next["_rev"] = doc_rev(there);
    }
    ++changes.made;
    changes.save.push_back(std::move(next));
  }
  for (const auto& [id, doc] : left) {
    ++changes.ended;
    changes.save.push_back({{"_id", id}, {"_rev", doc_rev(*doc)}, {"_deleted", true}});
  }
  return changes;
}

}  // namespace channels
