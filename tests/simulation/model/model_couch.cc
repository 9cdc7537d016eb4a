#include "simulation/model/model_couch.h"

#include "base/digest.h"
#include "base/errors.h"
#include "simulation/model/model_request.h"

namespace channels::simulation {

namespace {

// What CouchDB 3.5 takes to tell of an update ([global_changes] max_event_delay and around).
constexpr milliseconds update_delay{300};

}  // namespace

ModelCouch::ModelCouch(Env& env, std::function<bool(double)> happens, std::string admin, std::string password)
    : env_(env),
      happens_(std::move(happens)),
      admin_(std::move(admin)),
      password_(std::move(password)),
      changed_(env.make_signal()) {
  for (const char* name : {"_users", "_replicator"}) make(name);
}

ModelDatabase& ModelCouch::make(const std::string& name) {
  auto database = std::make_unique<ModelDatabase>(name);
  database->uuid = sha256_hex(name + std::to_string(made_++));
  database->security = {{"admins", {{"roles", {"_admin"}}}}, {"members", {{"roles", {"_admin"}}}}};
  database->on_commit = [this, name](const std::string& id, const std::string& rev) {
    note_update(name, "updated");
    if (on_commit) on_commit({name, id, rev});
  };
  return *(databases_[name] = std::move(database));
}

ModelDatabase* ModelCouch::find(const std::string& name) {
  const auto found = databases_.find(name);
  return found == databases_.end() ? nullptr : found->second.get();
}

void ModelCouch::note_update(const std::string& database, const char* type) {
  updates_.push_back({database, type, env_.mono_now(), happens_(weather.lost_hint)});
  changed_->notify_all();
}

std::vector<json::object> ModelCouch::updates_since(std::uint64_t since) {
  std::vector<json::object> rows;
  for (std::size_t i = since; i < updates_.size(); ++i) {
    const Update& update = updates_[i];
    if (env_.mono_now() - update.at < update_delay) break;
    if (update.lost) continue;
    rows.push_back({{"db_name", update.database}, {"type", update.type}, {"seq", std::to_string(i + 1) + "-updates"}});
  }
  return rows;
}

MonoTime ModelCouch::next_update(std::uint64_t since) const {
  for (std::size_t i = since; i < updates_.size(); ++i) {
    const MonoTime told = updates_[i].at + update_delay;
    if (!updates_[i].lost && told > env_.mono_now()) return told;
  }
  return MonoTime::max();
}

void ModelCouch::copy(const std::string& database) {
  if (const ModelDatabase* found = find(database)) copies_[database] = found->copy();
}

void ModelCouch::restore(const std::string& database) {
  ModelDatabase* found = find(database);
  const auto copy = copies_.find(database);
  if (found == nullptr || copy == copies_.end()) return;
  found->restore(copy->second);
  restart();
}

HttpResponse ModelCouch::answer(const HttpRequest& request) {
  return ModelRequest(*this, request).answer();
}

// --- ModelTransport ----------------------------------------------------------------------------

bool ModelTransport::wait(const HttpRequest& request, MonoTime deadline, std::uint64_t incarnation) {
  std::unique_lock lock(couch_.mutex());
  if (request.stop.stop_requested()) return false;
  couch_.changed().wait_until(lock, deadline);
  return !request.stop.stop_requested() && couch_.incarnation() == incarnation;
}

HttpResponse ModelTransport::send(const HttpRequest& request) {
  const bool is_poll = request.url.find("feed=longpoll") != std::string::npos;
  const MonoTime began = env_.mono_now();
  HttpResponse response = couch_.answer(request);
  if (!is_poll) return response;
  const std::uint64_t incarnation = couch_.incarnation();
  // The server answers its time limit (the daemon's is 15 s more) without rows.
  const MonoTime until = began + request.timeout - seconds(15);
  const std::stop_callback wake(request.stop, [this] { couch_.changed().notify_all(); });
  while (response.status == 200 && response.body.starts_with("{\"results\":[]") && env_.mono_now() < until) {
    if (!wait(request, until, incarnation)) throw Unavailable("the connection was closed");
    response = couch_.answer(request);
  }
  return response;
}

HttpResponse ModelTransport::stream(const HttpRequest& request, milliseconds silence,
                                    const std::function<bool(std::string_view)>& receive) {
  HttpResponse response = couch_.answer(request);
  if (response.status != 200) return response;
  const std::uint64_t incarnation = couch_.incarnation();
  const std::stop_callback wake(request.stop, [this] { couch_.changed().notify_all(); });
  const std::size_t at = request.url.find("since=") + 6;
  std::uint64_t since = parse_rev(request.url.substr(at, request.url.find('&', at) - at)).generation;
  const milliseconds heartbeat = silence / 3;
  MonoTime next_beat = env_.mono_now() + heartbeat;
  while (true) {
    for (const json::object& row : couch_.updates_since(since)) {
      since = parse_rev(string_or(row, "seq", "")).generation;
      if (!receive(json::serialize(row) + "\n")) return {200, "", "", std::nullopt};
    }
    if (env_.mono_now() >= next_beat) {
      if (!receive("\n")) return {200, "", "", std::nullopt};
      next_beat = env_.mono_now() + heartbeat;
    }
    if (!wait(request, std::min(next_beat, couch_.next_update(since)), incarnation)) throw Unavailable("the feed was closed");
    if (couch_.weather.maintenance) throw Unavailable("the feed was closed");
  }
}

}  // namespace channels::simulation
