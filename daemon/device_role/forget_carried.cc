#include "device_role/forget_carried.h"

#include <set>

#include "couch/answer.h"
#include "couch/purger.h"
#include "device_role/pairing.h"

namespace channels {

namespace {

constexpr const char* kept_id = "handshake-kept";

// Seqs cannot be ordered, so CouchDB is asked which of these changed after that one. A list of ids
// costs little.
std::set<std::string> changed_since(Database& handshake, const std::string& seq,
                                    const std::vector<Change>& page) {
  json::array ids;
  for (const Change& change : page) ids.push_back(json::value(change.id));
  Reply reply = handshake.server().request(
      "POST", handshake.path("_changes?filter=_doc_ids&since=" + url_encode(seq)),
      {{"doc_ids", ids}});
  std::set<std::string> changed;
  for (const json::value& row : array_in(reply.body, "results", "_changes"))
    changed.insert(string_or(row.as_object(), "id", ""));
  return changed;
}

void purge_unchanged(const DeviceServices& services, const std::string& seq) {
  Database handshake = services.handshake();
  const bool is_carrying = load_pairing(services).has_value();
  Purger purger(handshake);
  Database::ChangesQuery query;
  query.limit = Purger::ids_a_purge;
  while (true) {
    const Changes page = handshake.changes(query);
    if (page.rows.empty()) break;
    const auto changed = changed_since(handshake, seq, page.rows);
    for (const Change& change : page.rows) {
      const bool waits = is_carrying && !change.deleted && doc_state(change.doc) == "new";
      if (change.id.starts_with("_design/") || waits || changed.contains(change.id)) continue;
      for (const std::string& rev : change.revs) purger.add(change.id, rev);
    }
    query.since = page.last_seq;
  }
  purger.send();
  handshake.compact();
}

}  // namespace

void forget_carried(const DeviceServices& services) {
  Database registry = services.registry();
  const WallTime now = services.env.wall_now();
  Document kept = registry.get(kept_id).value_or(Document{{"_id", kept_id}, {"type", kept_id}});
  const auto since = parse_time(string_or(kept, "time", ""));
  if (since && *since <= now && now - *since < services.options.confirm_ttl) return;
  const std::string update_seq =
      services.handshake().update_seq();  // before the look, so that nothing is missed
  // A clock that was put back says nothing about the age.
  if (since && *since <= now) purge_unchanged(services, string_or(kept, "update_seq", ""));
  kept["time"] = format_time(now);
  kept["update_seq"] = update_seq;
  registry.save(kept);
}

}  // namespace channels
