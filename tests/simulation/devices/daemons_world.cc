#include "simulation/devices/daemons_world.h"

#include <sstream>

#include "calls/retry.h"
#include "base/check.h"
#include "base/errors.h"
#include "simulation/devices/names.h"

namespace channels::simulation {

namespace {

constexpr const char* admin = "admin";
constexpr const char* password = "admin-password-of-the-cloud";
constexpr int most_workers = 3;
// Longer than backoffs, the sweep and expiry take after the last fault.
constexpr std::chrono::minutes longest_settling{90};

Templates built_in_templates() {
  auto templates = Templates::load(std::nullopt);
  check(templates.has_value(), "the program's own mail templates are wrong");
  return std::move(*templates);
}

ModelOptions model_options(Scheduler& scheduler, const std::string& admin_password, int copies) {
  ModelOptions options;
  options.seed = scheduler.random();
  options.admins = {{admin, admin_password}};
  options.copies = copies;
  return options;
}

}  // namespace

DaemonsSettings::DaemonsSettings(Scheduler& chance)
    : faults(chance),
      only_kills_and_pauses(chance.happens(0.2)),
      cluster(faults.split_vote > 0),
      users(1 + static_cast<int>(chance.below(3))),
      devices(users + static_cast<int>(chance.below(4))),
      strangers(chance.happens(0.6)),
      sharing(chance.happens(0.4)),
      confirm_ttl(chance.happens(0.5) ? 300 : 900),
      mail_per_address(chance.happens(0.2) ? 2 : 5) {
  const auto perhaps = [&](double most) { return chance.happens(0.4) ? most * chance.chance() : 0; };
  mail_refuses = perhaps(0.5);
  mail_hangs = perhaps(0.3);
  mail_lost_answer = perhaps(0.3);
  faults.restores = 0;
  faults.steps = std::min(faults.steps, 20);
  if (sharing) {
    // There is nothing to share with nobody; and what one does the other has to see first.
    users = std::max(users, 2);
    devices = std::max(devices, users + 1);
    faults.steps += 30;
  }
  if (faults.quiet || only_kills_and_pauses) {
    const RunSettings drawn = faults;
    mail_refuses = mail_hangs = mail_lost_answer = 0;
    faults.cuts = faults.restarts = faults.clock_jumps = faults.storms = faults.lost = faults.late = faults.busy = 0;
    faults.lost_hint = faults.replayed = faults.split_vote = faults.deaf_poll = 0;
    cluster = false;
    if (only_kills_and_pauses && !faults.quiet) faults.kills = std::max(drawn.kills, 0.1);
  }
}

DaemonsWorld::Worker::Worker(DaemonsWorld& world, int number)
    : process{"daemon-" + std::to_string(number)},
      env(world.scheduler_, process),
      log(world),
      transport(env, world.cloud_, line),
      mailer(env, world.post_, line, process.name) {}

DaemonsWorld::DaemonsWorld(Scheduler& scheduler)
    : scheduler_(scheduler),
      settings_(scheduler),
      templates_(built_in_templates()),
      env_(scheduler, process_),
      cloud_(env_, model_options(scheduler, password, settings_.cluster ? 3 : 1)),
      drawer_(env_, model_options(scheduler, "drawer", 1)),
      around_{scheduler, cloud_, drawer_, post_, {}, {}, {}, false, 0},
      operator_transport_(env_, cloud_),
      operator_credentials_(admin, password),
      operator_server_(operator_transport_, operator_credentials_, couch_url) {
  around_.secrets.insert(password);
}

Configuration DaemonsWorld::configuration() const {
  Configuration made;
  made.settings.url = made.settings.public_url = couch_url;
  made.settings.confirm_url = std::string(couch_url) + "_utils/channels/confirm.html";
  made.settings.confirm_ttl = settings_.confirm_ttl;
  made.settings.mail.from = "Channels <no-reply@example.com>";
  made.settings.mail.per_address = settings_.mail_per_address;
  made.credentials = std::make_shared<BasicCredentials>(admin, password);
  return made;
}

void DaemonsWorld::set_up() {
  cloud("_global_changes").create(1);
  cloud_.on_commit = [this](const ModelCouch::Commit& commit) { on_commit(commit); };
  post_.refuses = settings_.mail_refuses;
  post_.hangs = settings_.mail_hangs;
  post_.lost_answer = settings_.mail_lost_answer;
  post_.on_delivery = [this](const DeliveredMail& mail) { on_mail(mail); };
}

void DaemonsWorld::start_daemon() {
  const int number = ++last_worker_;
  auto worker = std::make_unique<Worker>(*this, number);
  worker->line.lost_request = worker->line.lost_answer = settings_.faults.lost;
  worker->line.late = settings_.faults.late;
  worker->line.busy = settings_.faults.busy;
  worker->line.strange = settings_.faults.busy / 4;
  Configuration made = configuration();
  made.place = worker->process.name;
  worker->daemon = std::make_unique<Daemon>(worker->env, worker->log, worker->transport, worker->mailer, templates_,
                                            made, EngineSizes{2, 2, 2, 2, 1, 1, 4});
  workers_[number] = std::move(worker);
}

// Nothing of it goes out any more; its threads find their own end, beside the others.
void DaemonsWorld::kill_daemon(int number) {
  scheduler_.trace("kill daemon-" + std::to_string(number));
  ++disturbances_;
  auto found = workers_.extract(number);
  std::shared_ptr<Worker> dead = std::move(found.mapped());
  dead->line.dead = true;
  funerals_.push_back(env_.start("funeral", [dead] { dead->daemon.reset(); }));
}

void DaemonsWorld::make_devices() {
  if (settings_.sharing) {
    for (int i = 0; i < settings_.users; ++i) around_.people.push_back("user-" + std::to_string(i) + "@example.com");
  }
  for (int i = 0; i < settings_.devices; ++i) {
    const std::string owner = "user-" + std::to_string(i % settings_.users) + "@example.com";
    const auto draw = scheduler_.below(20);
    const bool is_first = settings_.sharing && i < settings_.users;
    const Wish wish = is_first || draw < 15 ? Wish::confirm
                      : draw < 16 ? Wish::confirm_alone
                      : draw < 18 ? Wish::not_me
                                  : Wish::ignore;
    devices_.push_back(std::make_unique<SimDevice>(around_, i + 1, owner, wish));
    SimDevice& device = *devices_.back();
    device.line().lost_request = device.line().lost_answer = settings_.faults.lost;
    device.line().busy = settings_.faults.busy;
    lives_.push_back(device.start());
  }
  if (!settings_.strangers) return;
  stranger_ = std::make_unique<Stranger>(around_, "user-0@example.com");
  lives_.push_back(stranger_->start());
}

// --- faults ------------------------------------------------------------------------------------

void DaemonsWorld::fault_step() {
  const RunSettings& faults = settings_.faults;
  const auto some_worker = [&]() -> Worker& {
    auto chosen = workers_.begin();
    std::advance(chosen, scheduler_.below(workers_.size()));
    return *chosen->second;
  };
  if (scheduler_.happens(faults.kills))
    kill_daemon(std::next(workers_.begin(), static_cast<long>(scheduler_.below(workers_.size())))->first);
  while (static_cast<int>(workers_.size()) < (scheduler_.happens(0.7) ? most_workers : 1)) start_daemon();
  if (scheduler_.happens(faults.pauses)) {
    Worker& worker = some_worker();
    ++disturbances_;
    const auto time = milliseconds(1000 + static_cast<long>(scheduler_.below(70000)));
    worker.process.paused_until = worker.paused_until = env_.mono_now() + time;
    scheduler_.trace("pause " + worker.process.name);
  }
  if (scheduler_.happens(faults.cuts)) {
    Line& line = some_worker().line;
    line.cut = !line.cut;
    scheduler_.trace(line.cut ? "a daemon is cut off" : "a daemon is back");
  }
  if (scheduler_.happens(faults.clock_jumps)) {
    some_worker().process.wall_offset = milliseconds(static_cast<long>(scheduler_.below(240000)) - 120000);
    scheduler_.trace("a clock jumps");
  }
  change_weather();
}

void DaemonsWorld::change_weather() {
  const RunSettings& faults = settings_.faults;
  cloud_.weather.maintenance = false;
  if (scheduler_.happens(faults.restarts)) {
    cloud_.restart();
    cloud_.weather.maintenance = scheduler_.happens(0.5);
    scheduler_.trace("server restart");
  }
  cloud_.weather.below_quorum = settings_.cluster && scheduler_.happens(faults.storms);
  cloud_.weather.lost_hint = faults.lost_hint;
  cloud_.weather.replayed_rows = faults.replayed;
  cloud_.weather.split_vote = settings_.cluster ? faults.split_vote : 0;
  cloud_.weather.deaf_poll = faults.deaf_poll;
}

void DaemonsWorld::end_faults() {
  scheduler_.trace("the faults end");
  cloud_.weather = {};
  post_.refuses = post_.hangs = post_.lost_answer = 0;
  while (static_cast<int>(workers_.size()) < most_workers) start_daemon();
  for (auto& [number, worker] : workers_) {
    worker->line = Line{};
    worker->process.wall_offset = milliseconds(0);
  }
  for (auto& device : devices_) device->line() = Line{};
  around_.winding_down = true;
}

// --- the course of a run -----------------------------------------------------------------------

// As an operator does who finds parked documents after a bad hour.
void DaemonsWorld::retry_parked_documents() {
  std::ostringstream out;
  const Settings settings = configuration().settings;
  Operator by{env_, operator_transport_, operator_credentials_, operator_server_, settings, out};
  if (retry_parked(by, {.all = true}) == 0)
    scheduler_.trace("the operator retries: " + out.str());
}

void DaemonsWorld::settle() {
  const MonoTime until = env_.mono_now() + longest_settling;
  for (int round = 1;; ++round) {
    const std::string left = unsettled();
    if (left.empty()) return;
    if (env_.mono_now() > until) scheduler_.fail("invariant 2: forgotten: " + left);
    if (round % 60 == 0) {
      scheduler_.trace("still waits for " + left);
      if (!settings_.faults.quiet) retry_parked_documents();
    }
    env_.sleep(seconds(5));
  }
}

void DaemonsWorld::run() {
  set_up();
  for (int i = 0; i < most_workers; ++i) start_daemon();
  make_devices();
  for (int step = 0; step < settings_.faults.steps; ++step) {
    env_.sleep(milliseconds(2000 + static_cast<long>(scheduler_.below(10000))));
    if (!settings_.faults.quiet) fault_step();
  }
  end_faults();
  settle();
  lives_.clear();
  // What was parked in bad hours, and left nothing undone that settle() could see.
  if (!settings_.faults.quiet) retry_parked_documents();
  // Each sees what the others' last changes came to.
  for (int round = 0; round < 2; ++round) {
    for (auto& device : devices_) {
      if (device->is_active() && status_of(device->cloud(), device->control()) == 200) device->sync();
    }
    env_.sleep(seconds(70));
    settle();
  }
  for (auto& device : devices_) {
    if (device->is_active() && status_of(device->cloud(), device->control()) == 200) device->sync();
  }
  check_end();
  workers_.clear();
  funerals_.clear();
}

}  // namespace channels::simulation
