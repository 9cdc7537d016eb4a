#include "device_role/put_back.h"

#include <algorithm>
#include <charconv>

#include "base/errors.h"
#include "couch/answer.h"
#include "device_role/cloud.h"

namespace channels {

namespace {

constexpr const char* note_id = "put-back";

// What a seq begins with: good enough to say which of two checkpoints of one session is the earlier.
std::int64_t number_of(const Document& checkpoint) {
  const std::string seq = string_or(checkpoint, "source_last_seq", "");
  std::int64_t number = 0;
  std::from_chars(seq.data(), seq.data() + seq.size(), number);
  return number;
}

std::string checkpoint_id(std::string_view job) {
  return "_local/" + std::string(job);
}

json::object checkpoints_in(const std::optional<Document>& note) {
  const json::object* found = note ? get_object(*note, "checkpoints") : nullptr;
  return found == nullptr ? json::object{} : *found;
}

void save_note(const DeviceServices& services, const std::optional<Document>& note, const json::object& checkpoints) {
  Document next = note.value_or(Document{{"_id", note_id}, {"type", note_id}});
  next["checkpoints"] = checkpoints;
  if (checkpoints.empty()) next["_deleted"] = true;
  if (!services.registry().save(next).ok()) throw Unavailable("the note of what was put back changes all the time");
}

}  // namespace

bool is_put_back(const Document& source, const Document& target) {
  const std::string session = string_or(source, "session_id", "");
  return !session.empty() && session == string_or(target, "session_id", "") && number_of(target) < number_of(source);
}

std::set<std::string> PutBack::held() {
  std::set<std::string> ids;
  for (const auto& [id, where] : checkpoints_in(services_.registry().get(note_id))) ids.insert(id);
  return ids;
}

bool PutBack::begin_anew(const Document& pairing, const std::vector<std::string>& databases, const std::map<std::string, ReplicationState>& states) {
  const auto note = services_.registry().get(note_id);
  json::object checkpoints = checkpoints_in(note);
  const std::size_t before = checkpoints.size();
  for (const std::string& database : databases) {
    for (const Direction direction : {Direction::push, Direction::pull}) {
      const auto found = states.find(replication_id(pairing, {.channel = "", .database = database, .syncpoint = "", .state = ""}, direction));
      if (found == states.end() || found->second.job.empty()) continue;
      services_.log.info(database + " is gone: " + found->first + " begins anew");
      checkpoints[found->first] = {{"database", database}, {"job", found->second.job}};
    }
  }
  if (checkpoints.size() == before) return false;
  save_note(services_, note, checkpoints);
  return true;
}

bool PutBack::look(const Document& pairing, const std::map<std::string, ReplicationState>& states) {
  const bool ended = end_what_waits(states);
  return note_put_back(pairing, states) || ended;
}

bool PutBack::note_put_back(const Document& pairing, const std::map<std::string, ReplicationState>& states) {
  const auto began = [&](const auto& entry) {
    const auto& [id, state] = entry;
    const auto found = compared_.find(id);
    return state.state == "running" && !state.job.empty() && (found == compared_.end() || found->second != state.since);
  };
  if (std::none_of(states.begin(), states.end(), began)) return false;
  const auto note = services_.registry().get(note_id);
  json::object checkpoints = checkpoints_in(note);
  const std::size_t before = checkpoints.size();
  Cloud cloud(services_.transport, pairing);
  const std::string control = services_.control_database(string_or(pairing, "user", ""));
  for (const SyncPair& pair : sync_pairs(services_.options, pairing, channel_documents_in(services_.server, control))) {
    for (const Direction direction : {Direction::push, Direction::pull}) {
      const auto found = states.find(replication_id(pairing, pair, direction));
      if (!pair.is_wanted() || !pair.joined.empty() || found == states.end() || !began(*found)) continue;
      const auto& [id, state] = *found;
      try {
        const auto here = Database(services_.server, pair.database).get(checkpoint_id(state.job));
        const auto there = here ? cloud.read_own(pairing, pair.syncpoint, checkpoint_id(state.job)) : std::nullopt;
        compared_[id] = state.since;
        const bool pulls = direction == Direction::pull;
        if (!here || !there || !is_put_back(pulls ? *there : *here, pulls ? *here : *there)) continue;
      } catch (const Unavailable& offline) {
        services_.log.debug("a checkpoint of " + id + ": " + std::string(offline.what()));
        continue;
      } catch (const Refused& refused) {  // as the replication is: its state says so
        continue;
      }
      services_.log.info((direction == Direction::pull ? pair.database : pair.syncpoint) + " was put back from a backup: " + id + " begins anew");
      checkpoints[id] = {{"database", pair.database}, {"job", state.job}};
    }
  }
  if (checkpoints.size() == before) return false;
  save_note(services_, note, checkpoints);
  return true;
}

// The job writes a last checkpoint when it is ended: only then can it be removed.
bool PutBack::end_what_waits(const std::map<std::string, ReplicationState>& states) {
  const auto note = services_.registry().get(note_id);
  const json::object waiting = checkpoints_in(note);
  if (waiting.empty()) return false;
  json::object left;
  for (const auto& [id, where] : waiting) {
    if (states.contains(id)) {
      left[id] = where;
      continue;
    }
    const json::object* at = where.if_object();
    if (at == nullptr) continue;
    Database database(services_.server, string_or(*at, "database", ""));
    services_.server.request("DELETE", database.path(doc_path(checkpoint_id(string_or(*at, "job", "")))), nullptr, {404});
  }
  if (left.size() < waiting.size()) save_note(services_, note, left);
  return true;
}

}  // namespace channels
