// On a cluster: do enough nodes answer? Of each part (shard) of the registry a majority of the copies has to be on
// nodes that do. Below it CouchDB takes a write with 202, which counts for nothing here: no lease is won by it.
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

// Of the part that lacks the most.
Copies worst_of(const json::object& shards, const std::set<std::string>& away) {
  Copies worst;
  for (const auto& [range, nodes] : shards) {
    const Copies copies = copies_of(nodes, away);
    if (worst.all == 0 || copies.missing() > worst.missing()) worst = copies;
  }
  return worst;
}

}  // namespace

void check_quorum(Visit& visit) {
  if (visit.nodes.size() + visit.away.size() < 2) return;
  const Database registry(*visit.server, visit.settings.registry_db);
  const Reply reply = visit.server->request("GET", registry.path("_shards"), nullptr, {404});
  const json::object* answer = reply.body.if_object();
  const json::object* shards = answer == nullptr ? nullptr : get_object(*answer, "shards");
  if (shards == nullptr) return;  // no registry yet
  const Copies copies = worst_of(*shards, visit.away);
  const std::string found = std::to_string(copies.answering) + " of " + std::to_string(copies.all) +
                            " copies of " + visit.settings.registry_db + " answer";
  if (copies.missing() == 0) return visit.report.ok("quorum", found);
  visit.report.fault("quorum",
                     found + ", and it takes " + std::to_string(copies.quorum()) +
                         ": no mail is sent, no other unsafe handler runs, no device and no channel is made",
                     {"bring the nodes back that are not connected; it then goes on by itself"});
}

}  // namespace channels
