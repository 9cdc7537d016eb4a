// The handlers of scenario "engine": one for each promise of the engine.
#include "base/check.h"
#include "base/errors.h"
#include "simulation/engine_world.h"

namespace channels::simulation {

namespace {

thread_local const std::pair<std::string, std::string>* handled = nullptr;

// The union of what all sides noted; everything else is the winner's.
std::optional<Document> resolve(const std::vector<Document>& leaves) {
  Document merged = leaves.front();
  std::set<std::string> notes;
  for (const Document& leaf : leaves) {
    if (const json::array* found = get_array(leaf, "notes")) {
      for (const json::value& note : *found) notes.insert(json::value_to<std::string>(note));
    }
  }
  merged["notes"] = json::value_from(notes);
  return merged;
}

std::string next_state(const std::string& state) {
  return state == "new" ? "half" : "done";
}

}  // namespace

InHandler::InHandler(const std::string& database, const std::string& id) {
  handled = new std::pair(database, id);
}

InHandler::~InHandler() {
  delete handled;
  handled = nullptr;
}

bool InHandler::is_for(const std::string& database, const std::string& id) {
  return handled != nullptr && handled->first == database && handled->second == id;
}

// Two states, and another document that has to be there once whatever happens.
Outcome EngineWorld::safe_step(Worker& worker, Run& run, const Document& doc) {
  const InHandler here(run.database.name(), doc_id(doc));
  if (doc_type(doc) == "side") {
    Database database(worker.server, run.database.name());
    const Document side{{"_id", "of-" + doc_id(doc)}, {"type", "made"}, {"of", doc_id(doc)}};
    const Saved saved = database.save(side);
    if (!saved.ok() && saved.outcome != Saved::Outcome::conflict) return Failed{saved.reason, std::nullopt};
  }
  return Save{in_state(doc, next_state(doc_state(doc)))};
}

Outcome EngineWorld::act(Worker& worker, Run& run, const Document& doc, bool may_repeat) {
  const InHandler here(run.database.name(), doc_id(doc));
  const MonoTime lease_ends = check_lease_at_start(run);
  worker.env.sleep(milliseconds(static_cast<long>(scheduler_.below(500))));
  if (worker.line.dead) throw Unavailable("killed");  // before the act
  // A handler's duty: stopped meanwhile for longer than its time, it must not act any more.
  if (worker.env.mono_now() > run.deadline) throw Unavailable("no time is left");
  if (scheduler_.happens(0.05)) return Failed{"the bank is closed", std::nullopt};
  scheduler_.trace("acts for " + doc_id(doc) + " " + doc_rev(doc) + " lease-" + run.attempt_key);
  check_act(run.attempt_key, lease_ends, may_repeat);
  worker.env.sleep(milliseconds(static_cast<long>(scheduler_.below(500))));
  return Save{in_state(doc, "done")};
}

void EngineWorld::fill_rules(Worker& worker) {
  const auto safe = [this, &worker](Run& run, const Document& doc) { return safe_step(worker, run, doc); };
  const RuleOptions slow{.slow = true};
  worker.rules.on(Kind::followed)
      .safe("job", "new", safe)
      .safe("job", "half", safe)
      .safe("side", "new", safe, slow)
      .safe("side", "half", safe, slow)
      .safe("flaky", "new",
            [this](Run& run, const Document& doc) -> Outcome {
              if (run.attempt < static_cast<int>(int_or(doc, "fails", 0))) return Failed{"not yet", std::nullopt};
              return Save{in_state(doc, "done")};
            })
      // Nothing to do until a client has counted to three: the row of that edit may come while this runs.
      .safe("count", "open",
            [&worker, this](Run& run, const Document& doc) -> Outcome {
              const InHandler here(run.database.name(), doc_id(doc));
              worker.env.sleep(milliseconds(static_cast<long>(scheduler_.below(1500))));
              if (int_or(doc, "n", 0) < 3) return Keep{};
              return Save{in_state(doc, "done")};
            },
            slow)
      .safe("hopeless", "new", [](Run&, const Document&) -> Outcome { return Failed{"never", std::nullopt}; })
      .safe("later", "new",
            [](Run& run, const Document& doc) -> Outcome {
              const auto due = parse_time(string_or(doc, "due", ""));
              if (due && run.env.wall_now() < *due) return Later{*due};
              return Save{in_state(doc, "done")};
            })
      .unsafe("charge", "new",
              [this, &worker](Run& run, const Document& doc) { return act(worker, run, doc, false); },
              {.time_limit = seconds(3)})
      .unsafe("mail", "new",
              [this, &worker](Run& run, const Document& doc) { return act(worker, run, doc, true); },
              {.on_lost = OnLost::retry, .time_limit = seconds(3)})
      .conflicts(resolve);
}

}  // namespace channels::simulation
