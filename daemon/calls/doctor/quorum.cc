// On a cluster: are the databases kept as often as it keeps all others, and do enough of the registry's copies
// answer? Of each part (shard) a majority has to be on nodes that do: below it CouchDB takes a write with 202, which
// counts for nothing here, as no lease is won by it.
#include <charconv>

#include "calls/doctor/visit.h"
#include "couch/database.h"

namespace channels {

namespace {

struct Copies {
  std::size_t all = 0;
  std::size_t answering = 0;

  std::size_t quorum() const { return all / 2 + 1; }
  std::size_t missing() const { return answering < quorum() ? quorum() - answering : 0; }
};

Copies copies_of(const json::value& nodes, const std::set<std::string>& away) {
  Copies copies;
  if (!nodes.is_array()) return copies;
  for (const json::value& node : nodes.as_array()) {
    ++copies.all;
    if (node.is_string() && !away.contains(node.as_string().c_str())) ++copies.answering;
  }
  return copies;
}

// Of each part of a database; none if it is not there.
std::vector<Copies> parts_of(Visit& visit, const std::string& name) {
  const Database database(*visit.server, name);
  const Reply reply = visit.server->request("GET", database.path("_shards"), nullptr, {404});
  const json::object* answer = reply.body.if_object();
  const json::object* shards = answer == nullptr ? nullptr : get_object(*answer, "shards");
  std::vector<Copies> parts;
  if (shards == nullptr) return parts;
  for (const auto& [range, nodes] : *shards) parts.push_back(copies_of(nodes, visit.away));
  return parts;
}

// How many a database that is made now gets.
std::size_t usual_copies(const Visit& visit) {
  std::size_t copies = 3;  // CouchDB's default
  for (const Node& node : visit.nodes) {
    const std::string text = value_in(node.running, "cluster", "n");
    std::from_chars(text.data(), text.data() + text.size(), copies);
  }
  return std::min(copies, visit.nodes.size() + visit.away.size());
}

void check_copies(Visit& visit) {
  const Settings& settings = visit.settings;
  const std::size_t usual = usual_copies(visit);
  std::string few;
  for (const std::string& name : {settings.registry_db, settings.handshake_db, std::string("_users"),
                                  std::string("_replicator"), std::string("_global_changes")}) {
    const auto parts = parts_of(visit, name);
    const bool has_few =
        std::any_of(parts.begin(), parts.end(), [&](const Copies& part) { return part.all < usual; });
    if (has_few) few += (few.empty() ? "" : ", ") + name;
  }
  if (few.empty()) return;
  visit.report.fault("copies",
                     "fewer than the " + std::to_string(usual) + " of this cluster: " + few +
                         ". They were made before the nodes were joined; a node that is lost takes them along",
                     {"add the other nodes to each one's document, below /_node/_local/_dbs/, as CouchDB's documentation "
                      "has it (Shard Management, Moving a shard)"});
}

}  // namespace

void check_quorum(Visit& visit) {
  if (visit.nodes.size() + visit.away.size() < 2) return;
  check_copies(visit);
  const auto parts = parts_of(visit, visit.settings.registry_db);
  const auto worst = std::max_element(parts.begin(), parts.end(), [](const Copies& left, const Copies& right) {
    return left.missing() < right.missing();
  });
  if (worst == parts.end()) return;  // no registry yet
  const std::string found = std::to_string(worst->answering) + " of " + std::to_string(worst->all) +
                            " copies of " + visit.settings.registry_db + " answer";
  if (worst->missing() == 0) return visit.report.ok("quorum", found);
  visit.report.fault("quorum",
                     found + ", and it takes " + std::to_string(worst->quorum()) +
                         ": no mail is sent, no other unsafe handler runs, no device and no channel is made",
                     {"bring the nodes back that are not connected; it then goes on by itself"});
}

}  // namespace channels
