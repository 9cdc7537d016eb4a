#include "simulation/engine_world.h"

#include "base/errors.h"
#include "provision/design_docs.h"

namespace channels::simulation {

namespace {

constexpr const char* admin = "admin";
constexpr const char* password = "secret";
constexpr const char* url = "http://couch/";
constexpr int most_workers = 3;
// Longer than backoffs, parking and the sweep take after the last fault.
constexpr std::chrono::minutes longest_settling{120};

ModelOptions model_options(Scheduler& scheduler, int copies) {
  ModelOptions options;
  options.seed = scheduler.random();
  options.admins = {{admin, password}};
  options.copies = copies;
  return options;
}

}  // namespace

EngineWorld::Worker::Worker(Scheduler& scheduler, ModelCouch& couch, int number)
    : process{"worker-" + std::to_string(number)},
      env(scheduler, process),
      log(scheduler),
      transport(env, couch, line),
      credentials(admin, password),
      server(transport, credentials, url) {}

EngineWorld::EngineWorld(Scheduler& scheduler)
    : scheduler_(scheduler),
      settings_(scheduler),
      env_(scheduler, process_),
      client_env_(scheduler, client_process_),
      copies_(settings_.split_vote > 0 ? 3 : 1),
      couch_(env_, model_options(scheduler, copies_)),
      client_transport_(client_env_, couch_),
      client_credentials_(admin, password),
      client_server_(client_transport_, client_credentials_, url) {}

void EngineWorld::set_up() {
  for (const char* name : {"_global_changes", "registry", "shop", "box-1", "box-2", "box-3"}) database(name).create(1);
  database("registry").save(design_doc("registry"));
  couch_.on_commit = [this](const ModelCouch::Commit& commit) { on_commit(commit); };
}

void EngineWorld::start_worker(int number) {
  auto worker = std::make_unique<Worker>(scheduler_, couch_, number);
  worker->line.lost_request = worker->line.lost_answer = settings_.lost;
  worker->line.late = settings_.late;
  worker->line.busy = settings_.busy;
  worker->line.strange = settings_.busy / 4;
  fill_rules(*worker);
  EngineOptions options;
  options.registry_db = "registry";
  options.pinned = {"shop"};
  options.lease = seconds(10);
  options.sweep = 20;
  options.sizes = {2, 2, 2, 1, 1, 1, 4};
  options.place = worker->process.name;
  const KindOf kind = [](std::string_view name) -> std::optional<Kind> {
    if (name == "shop" || name.starts_with("box-")) return Kind::followed;
    return std::nullopt;
  };
  worker->engine = std::make_unique<Engine>(worker->env, worker->log, worker->server, worker->rules, kind, options);
  workers_[number] = std::move(worker);
}

// Nothing of it goes out any more; its threads find their own end, beside the others.
void EngineWorld::kill_worker(int number) {
  scheduler_.trace("kill worker-" + std::to_string(number));
  ++disturbances_;
  auto found = workers_.extract(number);
  std::shared_ptr<Worker> dead = std::move(found.mapped());
  dead->line.dead = true;
  funerals_.push_back(env_.start("funeral", [dead] { dead->engine.reset(); }));
}

void EngineWorld::fault_step() {
  const auto some_worker = [&]() -> Worker& {
    auto chosen = workers_.begin();
    std::advance(chosen, scheduler_.below(workers_.size()));
    return *chosen->second;
  };
  const auto time = [&](std::uint64_t most) { return milliseconds(1000 + static_cast<long>(scheduler_.below(most * 1000))); };
  if (scheduler_.happens(settings_.kills)) {
    kill_worker(static_cast<int>(std::next(workers_.begin(), static_cast<long>(scheduler_.below(workers_.size())))->first));
  }
  while (static_cast<int>(workers_.size()) < (scheduler_.happens(0.7) ? most_workers : 1)) start_worker(++last_worker_);
  if (scheduler_.happens(settings_.pauses)) {
    Worker& worker = some_worker();
    ++disturbances_;
    worker.process.paused_until = env_.mono_now() + time(40);
    scheduler_.trace("pause " + worker.process.name);
  }
  if (scheduler_.happens(settings_.cuts)) {
    Line& line = some_worker().line;
    line.cut = !line.cut;
    ++disturbances_;
  }
  if (scheduler_.happens(settings_.clock_jumps)) {
    some_worker().process.wall_offset = milliseconds(static_cast<long>(scheduler_.below(600000)) - 300000);
    scheduler_.trace("a clock jumps");
  }
  if (scheduler_.happens(settings_.restarts)) {
    ++disturbances_;
    couch_.restart();
    couch_.weather.maintenance = scheduler_.happens(0.5);
    scheduler_.trace("server restart");
  } else {
    couch_.weather.maintenance = false;
  }
  couch_.weather.below_quorum = copies_ > 1 && scheduler_.happens(settings_.storms);
  couch_.weather.lost_hint = settings_.lost_hint;
  couch_.weather.replayed_rows = settings_.replayed;
  couch_.weather.split_vote = copies_ > 1 ? settings_.split_vote : 0;
  couch_.weather.deaf_poll = settings_.deaf_poll;
  if (scheduler_.happens(settings_.restores)) {
    if (restored_.insert("box-3").second) {
      copies_of_files_["box-3"] = couch_.snapshot("box-3");
    } else {
      scheduler_.trace("box-3 is put back from a copy");
      couch_.restart();
      couch_.restore("box-3", copies_of_files_.at("box-3"));
    }
  }
}

void EngineWorld::end_faults() {
  scheduler_.trace("the faults end");
  couch_.weather = {};
  while (static_cast<int>(workers_.size()) < most_workers) start_worker(++last_worker_);
  for (auto& [number, worker] : workers_) {
    worker->line = Line{};
    worker->process.wall_offset = milliseconds(0);
  }
  clients_end_ = true;
}

void EngineWorld::wait_until_settled() {
  const MonoTime until = env_.mono_now() + longest_settling;
  while (!unsettled().empty()) {
    if (env_.mono_now() > until) scheduler_.fail("invariant 2: forgotten: " + unsettled().front());
    env_.sleep(seconds(5));
  }
}

void EngineWorld::run() {
  set_up();
  for (int i = 0; i < most_workers; ++i) start_worker(++last_worker_);
  auto writer = client_env_.start("clients", [this] { clients(); });
  for (int step = 0; step < settings_.steps; ++step) {
    env_.sleep(milliseconds(1000 + static_cast<long>(scheduler_.below(8000))));
    if (!settings_.quiet) fault_step();
  }
  end_faults();
  writer.reset();
  wait_until_settled();
  env_.sleep(seconds(30));
  check_end();
  workers_.clear();
  funerals_.clear();
}

}  // namespace channels::simulation
