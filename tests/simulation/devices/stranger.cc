#include "simulation/devices/stranger.h"

#include "base/digest.h"
#include "base/errors.h"
#include "simulation/devices/names.h"
#include "workflows/device_documents.h"

namespace channels::simulation {

namespace {

constexpr int most_registrations = 2;

}  // namespace

Stranger::Stranger(Surroundings& around, std::string victim)
    : around_(around),
      scheduler_(around.scheduler),
      victim_(std::move(victim)),
      env_(scheduler_, process_),
      transport_(env_, around.cloud, line_),
      server_(transport_, nobody_, "http://couch/") {}

void Stranger::live() {
  while (!around_.winding_down) {
    env_.sleep(milliseconds(500 + static_cast<long>(scheduler_.below(4000))));
    try {
      step();
    } catch (const Unavailable&) {  // the server is away
    } catch (const Refused&) {      // the handshake is not there yet
    }
  }
}

void Stranger::step() {
  watch();
  const auto draw = scheduler_.below(10);
  if (draw < 4) return add_branch();
  if (draw < 6) return confirm_wrongly();
  if (draw < 7) return write_local();
  if (draw < 8) return register_for(scheduler_.happens(0.5) ? victim_ : "nobody@elsewhere.example");
  try_doors();
}

// He sees documents as long as they are "new".
void Stranger::watch() {
  const ModelDatabase* database = around_.cloud.find(handshake);
  if (database == nullptr) return;
  for (const auto& [id, doc] : database->docs()) {
    const auto found = database->read(id);
    if (found && doc_type(*found) == "device" && doc_state(*found) == "new" && seen_.size() < 20) seen_.push_back(*found);
  }
}

// A copy under another name, as a branch: the id proves owner and credential only.
void Stranger::add_branch() {
  if (seen_.empty()) return;
  Document doc = seen_[scheduler_.below(seen_.size())];
  const std::string hash = hex(env_.random_bytes(16));
  doc["_rev"] = "1-" + hash;
  doc["_revisions"] = json::object{{"start", 1}, {"ids", {hash}}};
  doc["name"] = "stranger's";
  Reply reply = server_.request("POST", std::string(handshake) + "/_bulk_docs",
                                json::object{{"new_edits", false}, {"docs", {doc}}});
  scheduler_.trace("adds a branch to " + doc_id(doc).substr(0, 8) + ": " + json::serialize(reply.body));
}

void Stranger::confirm_wrongly() {
  if (seen_.empty()) return;
  const std::string device = doc_id(seen_[scheduler_.below(seen_.size())]);
  const std::string answer(scheduler_.happens(0.5) ? answer_yes : answer_not_me);
  const std::string proof = hex(env_.random_bytes(32));
  const std::string id = confirm_id_for(device, answer, proof);
  server_.request("PUT", std::string(handshake) + "/" + id,
                  json::object{{"_id", id}, {"type", "confirm"}, {"state", "clicked"},
                               {"device", device}, {"answer", answer}, {"proof", proof}}, {403, 409});
}

void Stranger::write_local() {
  server_.request("PUT", std::string(handshake) + "/_local/channels",
                  json::object{{"_id", "_local/channels"}, {"counter", scheduler_.below(100)}, {"seq", "7-nonsense"}}, {409});
}

void Stranger::register_for(const std::string& address) {
  if (registered_ >= most_registrations) return;
  ++registered_;
  const std::string salt = hex(env_.random_bytes(16));
  const std::string key = hex(env_.random_bytes(20));
  Document doc{{"type", "device"},
               {"state", "new"},
               {"owner", address},
               {"credential",
                {{"password_scheme", "pbkdf2"}, {"salt", salt}, {"iterations", 1}, {"derived_key", key}}}};
  const std::string id = *device_id_for(doc);
  doc["_id"] = id;
  server_.request("PUT", std::string(handshake) + "/" + id, doc, {403, 409});
  scheduler_.trace("registers a device for " + address);
}

void Stranger::try_doors() {
  std::vector<std::string> doors;
  for (const auto& [name, database] : around_.cloud.databases()) {
    if (name != handshake && (name.starts_with("control-") || name.starts_with("channel"))) doors.push_back(name);
  }
  if (doors.empty()) return;
  const std::string door = doors[scheduler_.below(doors.size())];
  const Reply reply = server_.request("GET", door + "/_all_docs", nullptr, {401, 403});
  if (reply.status == 200) scheduler_.fail("anybody can read " + door);
}

}  // namespace channels::simulation
