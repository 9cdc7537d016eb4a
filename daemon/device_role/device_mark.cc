#include "device_role/device_mark.h"

namespace channels {

namespace {

constexpr std::size_t longest_reason = 200;

ReplicationState state_in(const std::map<std::string, ReplicationState>& states,
                          const std::string& id) {
  const auto found = states.find(id);
  return found == states.end() ? ReplicationState{"missing", ""} : found->second;
}

std::string trouble_of(const ReplicationState& state, std::string_view direction) {
  if (!state.is_down()) return "";
  return std::string(direction) + " is " + state.state +
         (state.reason.empty() ? "" : ": " + state.reason.substr(0, longest_reason));
}

}  // namespace

std::string device_mark_id(std::string_view device) {
  return "_local/channels-device-" + std::string(device);
}

json::object marked_channels(const Document& pairing, const std::vector<SyncPair>& pairs,
                             const std::map<std::string, ReplicationState>& states) {
  json::object channels;
  for (const SyncPair& pair : pairs) {
    if (pair.state != "active" || !pair.joined.empty()) continue;
    json::object entry;
    if (!pair.refused.empty()) {
      entry["trouble"] = pair.refused.substr(0, longest_reason);
    } else {
      const auto pull = state_in(states, replication_id(pairing, pair, Direction::pull));
      const auto push = state_in(states, replication_id(pairing, pair, Direction::push));
      if (!pull.reached.empty()) entry["pulled"] = pull.reached;
      if (push.pending > 0) entry["waiting"] = push.pending;
      if (push.refused > 0) entry["denied"] = json::object{{"count", push.refused}};
      const std::string trouble = trouble_of(pull, "pull");
      if (const std::string& why = trouble.empty() ? trouble_of(push, "push") : trouble;
          !why.empty())
        entry["trouble"] = why;
    }
    channels[pair.channel] = std::move(entry);
  }
  return channels;
}

Document device_mark(const Document& pairing, const json::object& channels, WallTime now) {
  const std::string device = string_or(pairing, "device", "");
  Document mark{{"_id", device_mark_id(device)}, {"device", device}, {"time", format_time(now)}, {"channels", channels}};
  if (const std::int64_t rotation = int_or(pairing, "rotation", 0); rotation > 0) mark["rotation"] = rotation;
  return mark;
}

}  // namespace channels
