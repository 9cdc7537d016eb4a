#include "workflows/rollout/apply_template.h"

#include <algorithm>

#include "base/errors.h"
#include "workflows/channel_claims.h"

namespace channels {

namespace {

// A document that changes between read and save is somebody's own by the next read; this only bounds it.
constexpr int most_applies = 5;
// CouchDB's own delay is five seconds.
constexpr seconds longest_commit{15};
constexpr milliseconds between_looks_at_commit{250};
// Each request waits so long for its part of an index, and all of them together no longer than the second.
constexpr milliseconds index_request{50000};
constexpr milliseconds longest_index = std::chrono::minutes(30);
// An index that cannot be built answers at once; a server that is busy may do so once.
constexpr int most_quick_failures = 3;
constexpr milliseconds quick_failure{5000};

// What is to be done in one channel.
struct TemplatePlan {
  std::vector<Document> saves;
  std::vector<Document> temporaries;    // their deletions, once the indexes are on the disk
  std::vector<Document> indexed_first;  // of saves: the temporary design documents, with their _rev if there is one
  std::vector<KeptDocument> kept;
};

using Winners = std::map<std::string, Winner>;

// All documents that the template has or ever had, and those that a run which was cut off may have left.
std::vector<std::string> ids_to_read(const RolloutTarget& target) {
  std::set<std::string> ids = target.history.ids();
  for (const auto& [id, doc] : target.wanted.docs) ids.insert(id);
  std::vector<std::string> all(ids.begin(), ids.end());
  for (const std::string& id : ids) {
    if (id.starts_with("_design/")) all.push_back(temporary_id(id));
  }
  return all;
}

Winners read_winners(Database& channel, const std::vector<std::string>& ids) {
  Winners winners;
  std::vector<Winner> read = channel.winners(ids);
  for (std::size_t i = 0; i < ids.size(); ++i) winners[ids[i]] = std::move(read[i]);
  return winners;
}

// Deleted by a rollout, and not by somebody: the channel's version had none, or one that failed halfway.
bool may_be_our_deletion(const RolloutTarget& target, const Document& record, const std::string& id) {
  if (!target.history.had(string_or(record, "template", ""), id)) return true;
  const json::object* failed = get_object(record, "template_failed");
  return failed != nullptr && !target.history.had(string_or(*failed, "version", ""), id);
}

Compared compared(const RolloutTarget& target, const Document& record, const std::string& id, const Winner& there) {
  Compared doc;
  const auto wanted = target.wanted.docs.find(id);
  if (wanted != target.wanted.docs.end()) doc.wanted = wanted->second.digest;
  doc.was_had = target.history.had(string_or(record, "template", ""), id);
  doc.deleted_by_us = may_be_our_deletion(target, record, id);
  if (!there.rev.empty()) doc.there = there.deleted ? Compared::There::deleted : Compared::There::live;
  if (!there.doc) return doc;
  doc.found = content_digest(*there.doc);
  doc.is_templates = target.history.ever_had(id, doc.found);
  return doc;
}

Document deletion(const std::string& id, const std::string& rev) {
  return {{"_id", id}, {"_rev", rev}, {"_deleted", true}};
}

void plan_put(TemplatePlan& plan, const Document& wanted, const Winner& there, const Winner* temporary) {
  Document next = wanted;
  if (there.doc) next["_rev"] = there.rev;
  const std::string id = doc_id(wanted);
  plan.saves.push_back(std::move(next));
  if (temporary == nullptr) return;
  Document part = index_part(wanted);
  const bool has_index = part.empty() || (there.doc && part == index_part(*there.doc));
  if (!has_index) {
    part["_id"] = temporary_id(id);
    if (temporary->doc) part["_rev"] = temporary->rev;
    plan.indexed_first.push_back(std::move(part));
  } else if (temporary->doc) {
    plan.saves.push_back(deletion(temporary_id(id), temporary->rev));
  }
}

// One that is not being switched now is left over.
void plan_temporary(TemplatePlan& plan, const std::string& id, const Winner* temporary) {
  if (temporary != nullptr && temporary->doc) plan.saves.push_back(deletion(temporary_id(id), temporary->rev));
}

TemplatePlan plan_for(const RolloutTarget& target, const Document& record, const Winners& winners) {
  TemplatePlan plan;
  for (const auto& [id, there] : winners) {
    if (!may_be_in_template(id)) continue;
    const auto found = winners.find(temporary_id(id));
    const Winner* temporary = found == winners.end() ? nullptr : &found->second;
    const Decision decision = decide(compared(target, record, id, there));
    if (decision.step == TemplateStep::put) {
      plan_put(plan, target.wanted.docs.at(id).doc, there, temporary);
      continue;
    }
    if (decision.step == TemplateStep::keep) plan.kept.push_back({id, decision.why});
    if (decision.step == TemplateStep::remove) plan.saves.push_back(deletion(id, there.rev));
    plan_temporary(plan, id, temporary);
  }
  return plan;
}

std::string first_view(const Document& design) {
  const json::object* views = get_object(design, "views");
  for (const auto& [name, functions] : *views) {
    if (functions.is_object() && functions.as_object().contains("map")) return std::string(name);
  }
  return "";
}

// One view's index file has all views of its design document. Whoever stops asking does not stop the building.
void build_index(Services& services, Database& channel, const Document& design, const std::stop_token& stop) {
  const std::string path =
      channel.path(doc_path(doc_id(design)) + "/_view/" + url_encode(first_view(design)) + "?limit=1&reduce=false");
  const MonoTime end = services.env.mono_now() + longest_index;
  Server::Options options;
  options.timeout = index_request;
  options.stop = stop;
  for (int quick_failures = 0;;) {
    const MonoTime began = services.env.mono_now();
    try {
      services.server.request("GET", path, nullptr, {}, options);
      return;
    } catch (const Unavailable&) {
      const MonoTime now = services.env.mono_now();
      if (now - began < quick_failure) ++quick_failures;
      if (stop.stop_requested() || now >= end || quick_failures >= most_quick_failures) throw;
      if (!services.server.is_up()) throw;
    }
  }
}

void expect_saved(const Saved& saved) {
  if (saved.outcome == Saved::Outcome::rejected) throw Refused(403, saved.id + " is not taken: " + saved.reason);
}

// CouchDB ends the process of an index with the design document that it was opened for, and writes it to the disk some seconds after
// it was built: what was not written is built anew. So the temporary one stays until then.
void await_commit(Services& services, Database& channel, const Document& design, const std::stop_token& stop) {
  const MonoTime end = services.env.mono_now() + longest_commit;
  while (services.env.mono_now() < end && !stop.stop_requested()) {
    const Reply info = services.server.request("GET", channel.path(doc_path(doc_id(design)) + "/_info"), nullptr, {404, 501});
    const json::object* answer = info.body.if_object();
    const json::object* index = answer == nullptr ? nullptr : get_object(*answer, "view_index");
    if (index == nullptr || !is_true(*index, "waiting_commit")) return;
    pause(services.env, between_looks_at_commit);
  }
}

// False: somebody else wrote one at the same time.
bool build_indexes(Services& services, Database& channel, TemplatePlan& plan, const std::stop_token& stop) {
  const std::vector<Saved> results = channel.save_all(plan.indexed_first);
  for (std::size_t i = 0; i < results.size(); ++i) {
    expect_saved(results[i]);
    if (!results[i].ok()) return false;
    plan.temporaries.push_back(deletion(doc_id(plan.indexed_first[i]), results[i].rev));
  }
  for (const Document& design : plan.indexed_first) build_index(services, channel, design, stop);
  return true;
}

bool carry_plan_out(Services& services, Database& channel, TemplatePlan& plan, const std::stop_token& stop) {
  if (!build_indexes(services, channel, plan, stop)) return false;
  bool all = true;
  for (const Saved& saved : channel.save_all(plan.saves)) {
    expect_saved(saved);
    all = all && saved.ok();
  }
  for (const Document& design : plan.indexed_first) await_commit(services, channel, design, stop);
  for (const Saved& saved : channel.save_all(plan.temporaries)) all = all && saved.ok();
  return all;
}

}  // namespace

std::vector<KeptDocument> apply_template(Services& services, const RolloutTarget& target, const Document& record,
                                         const std::stop_token& stop) {
  Database channel(services.server, services.channel_database(channel_id_of(record)));
  const std::vector<std::string> ids = ids_to_read(target);
  for (int tries = 0; tries < most_applies; ++tries) {
    TemplatePlan plan = plan_for(target, record, read_winners(channel, ids));
    if (plan.saves.empty() || carry_plan_out(services, channel, plan, stop)) return plan.kept;
  }
  throw Refused(409, "its documents change all the time");
}

std::vector<Document> documents_of(const ChannelTemplate& wanted) {
  std::vector<Document> docs;
  for (const auto& [id, doc] : wanted.docs) docs.push_back(doc.doc);
  return docs;
}

}  // namespace channels
