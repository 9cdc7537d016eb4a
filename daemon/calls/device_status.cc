#include "calls/device.h"

#include "app/daemon.h"
#include "base/errors.h"
#include "device_role/cloud.h"
#include "device_role/pairing.h"
#include "device_role/replicator.h"

namespace channels {

namespace {

std::string log_in_now(Operator& by, const Document& pairing) {
  try {
    switch (Cloud(by.transport, pairing).log_in()) {
      case Cloud::LogIn::taken:
        return "taken";
      case Cloud::LogIn::refused:
        return "refused";
      case Cloud::LogIn::unknown:
        break;
    }
    return "unknown";
  } catch (const std::exception&) {  // Unavailable or Refused: of the cloud, not of this machine
    return "unreachable";
  }
}

json::object state_json(const std::map<std::string, ReplicationState>& states,
                        const std::string& id) {
  const auto found = states.find(id);
  if (found == states.end()) return {{"state", "missing"}};
  const ReplicationState& state = found->second;
  json::object out{{"state", state.state}, {"written", state.written}, {"refused", state.refused}};
  if (!state.reason.empty()) out["reason"] = state.reason;
  if (state.pending >= 0) out["pending"] = state.pending;
  return out;
}

json::array sync_status(Operator& by, const DeviceServices& services, const Document& pairing) {
  const auto states = replication_states(by.server);
  const std::string control = services.control_database(string_or(pairing, "user", ""));
  json::array all;
  for (const SyncPair& pair :
       sync_pairs(services.options, pairing, channel_documents_in(by.server, control))) {
    // A duplicate that was made on another device.
    if (!pair.joined.empty() && !states.contains(replication_id(pairing, pair, Direction::push))) continue;
    json::object row{{"channel", pair.channel}, {"database", pair.database}, {"state", pair.state}};
    if (!pair.refused.empty()) row["refused"] = pair.refused;
    if (!pair.joined.empty()) row["joined"] = pair.joined;
    if (pair.is_wanted()) {
      row["push"] = state_json(states, replication_id(pairing, pair, Direction::push));
      row["pull"] = state_json(states, replication_id(pairing, pair, Direction::pull));
    }
    all.push_back(std::move(row));
  }
  return all;
}

void print_replication(const json::object& row, std::string_view direction, std::ostream& out) {
  const json::object* state = get_object(row, direction);
  if (state == nullptr) return;
  out << ", " << direction << " " << string_or(*state, "state", "?");
  if (const auto reason = get_string(*state, "reason")) out << " (" << escaped(*reason) << ")";
  if (const auto refused = int_or(*state, "refused", 0); refused > 0)
    out << " (" << refused << " documents refused)";
}

}  // namespace

DeviceServices device_services(Operator& by, Log& log) {
  return {by.env, log, by.transport, by.server, device_options(by.settings)};
}

json::value device_status(Operator& by) {
  StderrLog log(Level::error);
  const DeviceServices services = device_services(by, log);
  const auto pairing = load_pairing(services);
  if (!pairing) return nullptr;
  json::object out{{"state", doc_state(*pairing)}};
  for (const char* key : {"cloud", "owner", "device", "device_code", "user"}) {
    if (const json::value* value = pairing->if_contains(key)) out[key] = *value;
  }
  if (const json::object* error = get_object(*pairing, "error"))
    out["reason"] = string_or(*error, "reason", "");
  if (!is_active(*pairing)) return out;
  out["log_in"] = log_in_now(by, *pairing);
  out["sync"] = sync_status(by, services, *pairing);
  return out;
}

void print_device(const json::value& status, std::ostream& out) {
  const json::object* device = status.if_object();
  if (device == nullptr) {
    out << "not paired: couchdb-channels pair --cloud URL --owner ADDRESS\n";
    return;
  }
  out << "device " << string_or(*device, "state", "?") << ": "
      << escaped(string_or(*device, "owner", "?")) << " at " << string_or(*device, "cloud", "?");
  if (const auto code = get_string(*device, "device_code")) out << ", code to type: " << *code;
  if (const auto log_in = get_string(*device, "log_in")) out << ", log-in " << *log_in;
  if (const auto reason = get_string(*device, "reason")) out << ": " << escaped(*reason);
  out << "\n";
  const json::array* sync = get_array(*device, "sync");
  if (sync == nullptr) return;
  for (const json::value& entry : *sync) {
    const json::object& row = entry.as_object();
    out << "  " << string_or(row, "database", "?") << " " << escaped(string_or(row, "state", "?"));
    if (const auto refused = get_string(row, "refused"))
      out << ", not followed: " << escaped(*refused);
    if (const auto joined = get_string(row, "joined")) out << ", joined with " << *joined;
    print_replication(row, "push", out);
    print_replication(row, "pull", out);
    out << "\n";
  }
}

}  // namespace channels
