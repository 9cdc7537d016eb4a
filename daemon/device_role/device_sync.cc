#include "device_role/device_sync.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "device_role/cloud.h"
#include "device_role/device_mark.h"
#include "device_role/pairing.h"
#include "device_role/registration.h"
#include "device_role/replicator.h"
#include "device_role/rotation.h"
#include "engine/backoff.h"
#include "provision/channel_id.h"

namespace channels {

namespace {

// The registry's pairing is another process's to change: `pair`.
constexpr seconds between_steps{3};
constexpr seconds between_reconciles{60};
// CouchDB's scheduler is asked for all replications at once.
constexpr seconds between_looks{15};
// A revoked device's open feeds deliver for up to changes_duration; its log-in is refused at once.
constexpr seconds between_log_ins{60};
// How often the cloud hears from this device what `couchdb-channels why` shows there: after a change, and without one.
constexpr seconds between_marks{60};
constexpr seconds mark_without_change{3600};
// For so long the replications are held while the secret changes, and so seldom if the cloud does not answer meanwhile.
constexpr seconds longest_hold{120};
constexpr seconds between_holds{900};
constexpr seconds while_held{2};
// A person who types a code looks at the screen meanwhile; one who has not done it for long does
// something else.
constexpr seconds attention{600};
constexpr std::size_t docs_a_request = 100;

void save_in_pages(Database database, const std::vector<Document>& docs) {
  for (std::size_t at = 0; at < docs.size(); at += docs_a_request) {
    const auto first = docs.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last =
        docs.begin() + static_cast<std::ptrdiff_t>(std::min(at + docs_a_request, docs.size()));
    // A conflict is somebody else's change: the next look sees it.
    database.save_all({first, last});
  }
}

}  // namespace

DeviceSync::DeviceSync(DeviceServices& services)
    : services_(services), put_back_(services), changed_(services.env.make_signal()) {}

void DeviceSync::start() {
  thread_ = services_.env.start("device sync", [this] { work(); });
}

DeviceSync::~DeviceSync() {
  stop_.request_stop();
  wake();
  thread_.reset();
}

void DeviceSync::wake() {
  const std::lock_guard lock(mutex_);
  dirty_ = true;
  changed_->notify_all();
}

void DeviceSync::wait(milliseconds time) {
  const MonoTime until = services_.env.mono_now() + time;
  std::unique_lock lock(mutex_);
  while (!stop_.stop_requested() && !dirty_ && services_.env.mono_now() < until)
    changed_->wait_until(lock, until);
}

void DeviceSync::work() {
  int failures = 0;
  std::string last_trouble;
  while (!stop_.stop_requested()) {
    milliseconds delay{0};
    try {
      delay = step();
      failures = 0;
      last_trouble.clear();
    } catch (const std::exception& trouble) {  // Unavailable or Refused, of this machine's CouchDB
      delay = backoff(++failures, services_.env.random_unit());
      const std::string what = trouble.what();
      if (std::exchange(last_trouble, what) != what) services_.log.info("device sync: " + what);
      const std::lock_guard lock(mutex_);
      dirty_ = false;
    }
    wait(delay);
  }
}

milliseconds DeviceSync::step() {
  const auto pairing = load_pairing(services_);
  if (!pairing) {
    if (std::exchange(seen_rev_, "none") != "none") end_all({});
    const std::lock_guard lock(mutex_);
    dirty_ = false;
    return between_steps;
  }
  if (is_active(*pairing)) return keep_in_sync(*pairing);
  if (seen_rev_ != doc_rev(*pairing) || is_true(*pairing, "wipe_due")) {
    end_all(*pairing);
    if (is_true(*pairing, "wipe_due")) wipe(*pairing);
    seen_rev_ = doc_rev(*pairing);
  }
  {
    const std::lock_guard lock(mutex_);
    dirty_ = false;
  }
  if (!is_pending(*pairing)) return between_steps;
  try {
    const Document next = advance_registration(services_, *pairing);
    if (doc_state(next) != doc_state(*pairing))
      services_.log.info("this device is " + doc_state(next));
    const auto created = parse_time(string_or(*pairing, "created", ""));
    const bool is_watched = created && services_.env.wall_now() - *created < attention;
    return is_watched ? between_steps : while_offline;
  } catch (const Unavailable& offline) {
    services_.log.debug("the registration waits for the cloud: " + std::string(offline.what()));
    return while_offline;
  }
}

milliseconds DeviceSync::keep_in_sync(const Document& pairing) {
  const MonoTime now = services_.env.mono_now();
  hold_while_rotating(pairing);
  bool dirty = false;
  {
    const std::lock_guard lock(mutex_);
    dirty = std::exchange(dirty_, false);
  }
  if (dirty || seen_rev_ != doc_rev(pairing) || now >= next_reconcile_) {
    reconcile(pairing);
    seen_rev_ = doc_rev(pairing);
    next_reconcile_ = services_.env.mono_now() + between_reconciles;
  }
  if (is_rotating(pairing)) {
    if (now >= next_rotation_look_) {
      const milliseconds delay = rotate(pairing);
      if (delay == milliseconds(0)) return delay;
      next_rotation_look_ = now + delay;
    }
    if (now < hold_until_) return while_held;
  } else if (now >= next_log_in_) {
    next_log_in_ = now + between_log_ins;
    try {
      if (!is_active(believe_revocation(services_, pairing))) return milliseconds(0);
    } catch (const std::exception& offline) {
      services_.log.debug("the cloud: " + std::string(offline.what()));
    }
  }
  if (now >= next_look_) {
    next_look_ = services_.env.mono_now() + between_looks;
    look_at_replications(pairing);
  }
  if (now >= next_mark_) {
    next_mark_ = now + between_marks;
    leave_mark(pairing);
  }
  return between_steps;
}

// CouchDB locks a name after five wrong passwords, and each replication would try the old one once more: so they are ended before the cloud is
// asked to take another, and made with it. A cloud that does not answer for long does not hold them up for longer.
void DeviceSync::hold_while_rotating(const Document& pairing) {
  if (!is_rotating(pairing)) {
    hold_until_ = next_hold_ = next_rotation_look_ = {};
  } else if (next_hold_ == MonoTime{}) {
    hold_until_ = services_.env.mono_now() + longest_hold;
    next_hold_ = services_.env.mono_now() + between_holds;
    next_reconcile_ = {};
  }
}

milliseconds DeviceSync::rotate(const Document& pairing) {
  using Says = RotationLook::Says;
  const MonoTime now = services_.env.mono_now();
  const bool is_held = now < hold_until_;
  try {
    const RotationLook look = advance_rotation(services_, pairing, is_held && !replications_run(services_.server));
    if (look.says == Says::over) {
      const bool is_refused = look.pairing.contains("rotation_error");
      services_.log.info(is_refused ? "the cloud does not take the new secret" : "the new secret is in use");
      return milliseconds(0);
    }
    if (look.says == Says::to_send && now >= next_hold_) next_hold_ = {};
    if (look.says == Says::refused) return between_log_ins;
    return look.says == Says::done || is_held ? while_held : while_offline;
  } catch (const std::exception& offline) {
    services_.log.debug("the new secret waits for the cloud: " + std::string(offline.what()));
    return while_offline;
  }
}

void DeviceSync::leave_mark(const Document& pairing) {
  const auto pairs = sync_pairs(
      services_.options, pairing,
      channel_documents_in(services_.server, services_.control_database(string_or(pairing, "user", ""))));
  const WallTime time = services_.env.wall_now();
  const json::object channels = marked_channels(pairing, pairs, replication_states(services_.server));
  const MonoTime now = services_.env.mono_now();
  if (channels == marked_ && now < mark_again_) return;
  try {
    Cloud(services_.transport, pairing).leave_mark(pairing, device_mark(pairing, channels, time));
    marked_ = channels;
    mark_again_ = now + mark_without_change;
  } catch (const std::exception& offline) {
    services_.log.debug("the cloud: " + std::string(offline.what()));
  }
}

void DeviceSync::reconcile(const Document& pairing) {
  const std::string user = string_or(pairing, "user", "");
  if (account_of_ != string_or(pairing, "device", "")) {
    ensure_local_account(services_, pairing);
    account_of_ = string_or(pairing, "device", "");
  }
  const std::string control = services_.control_database(user);
  const auto pairs =
      sync_pairs(services_.options, pairing, channel_documents_in(services_.server, control));
  std::vector<Document> wanted;
  const bool all_held = services_.env.mono_now() < hold_until_;
  std::vector<std::string> databases;
  for (const SyncPair& pair : pairs) {
    if (pair.is_wanted() && pair.joined.empty()) databases.push_back(pair.database);
  }
  make_local_databases(pairing, databases);
  const auto held = put_back_.held();
  const auto want = [&](const SyncPair& pair) {
    for (const Direction direction : {Direction::push, Direction::pull}) {
      if (!all_held && !held.contains(replication_id(pairing, pair, direction)))
        wanted.push_back(replication(pairing, pair, direction, services_.server.url()));
    }
  };
  for (const SyncPair& pair : pairs) {
    if (pair.state == "active" && !pair.refused.empty())
      log_refusal("the subscription of channel " + pair.channel +
                  " is not followed: " + pair.refused);
    if (pair.is_wanted() && pair.joined.empty()) want(pair);
  }
  for (const SyncPair& pair : pairs) {
    // Of a duplicate that was made elsewhere there is nothing here.
    if (!pair.joined.empty() &&
        missing_databases(services_.server, {pair.database, pair.joined}).empty())
      want(pair);
  }
  const ReplicationChanges changes = changes_to(wanted, replication_documents(services_));
  save_in_pages(services_.replicator(), changes.save);
  if (!changes.save.empty())
    services_.log.info("replications: " + std::to_string(changes.made) + " made or changed, " +
                       std::to_string(changes.ended) + " ended");
}

// A replication under way does not see that its database here is another one: it would go on, and leave it empty.
void DeviceSync::make_local_databases(const Document& pairing, const std::vector<std::string>& names) {
  const auto missing = missing_databases(services_.server, names);
  if (missing.empty()) return;
  if (put_back_.begin_anew(pairing, missing, replication_states(services_.server)))
    next_look_ = services_.env.mono_now() + between_steps;
  for (const std::string& name : missing) ensure_local_database(services_, name, string_or(pairing, "user", ""));
}

void DeviceSync::log_refusal(const std::string& what) {
  if (refusals_.insert(what).second) services_.log.error(escaped(what));
}

void DeviceSync::look_at_replications(const Document& pairing) {
  const auto states = replication_states(services_.server);
  if (put_back_.look(pairing, states)) {
    next_reconcile_ = services_.env.mono_now();
    next_look_ = next_reconcile_ + between_steps;
  }
  restart_what_is_down(pairing, states);
}

// One whose document is gone for a moment is made by the next reconcile; CouchDB takes a new
// document of the same content for no change, so it is ended first.
void DeviceSync::restart_what_is_down(const Document& pairing, const std::map<std::string, ReplicationState>& states) {
  const MonoTime now = services_.env.mono_now();
  std::vector<std::pair<std::string, std::string>> down;
  for (const auto& [id, state] : states) {
    if (!state.is_down()) {
      restarts_.runs(id, now);
    } else {
      down.emplace_back(id, state.state + (state.reason.empty() ? "" : ": " + state.reason));
    }
  }
  if (down.empty()) return;
  try {
    // While the cloud isn't there, or doesn't let us in, beginning anew would help nobody.
    if (Cloud(services_.transport, pairing).log_in() != Cloud::LogIn::taken) {
      next_log_in_ = now;
      return;
    }
  } catch (const std::exception&) {
    return;
  }
  std::vector<std::string> due;
  for (const auto& [id, why] : down) {
    if (!restarts_.is_due(id, now)) continue;
    services_.log.info("restarting " + id + ", which is " + escaped(why));
    due.push_back(id);
  }
  Database replicator = services_.replicator();
  std::vector<Document> ended;
  for (const auto& doc : replicator.get_many(due)) {
    if (!doc) continue;
    // What is in its way may be a database that somebody else made, or made anew.
    if (const json::object* channel = get_object(*doc, "channels")) {
      const std::string database = string_or(*channel, "database", "");
      make_local_databases(pairing, {database});
      ensure_local_database(services_, database, string_or(pairing, "user", ""));
    }
    ended.push_back({{"_id", doc_id(*doc)}, {"_rev", doc_rev(*doc)}, {"_deleted", true}});
  }
  save_in_pages(replicator, ended);
  // The scheduler has to see the end before the new beginning.
  if (!ended.empty()) next_reconcile_ = now + between_steps;
}

void DeviceSync::end_all(const Document& pairing) {
  const ReplicationChanges changes = changes_to({}, replication_documents(services_));
  save_in_pages(services_.replicator(), changes.save);
  if (!changes.save.empty())
    services_.log.info("this device is " + (pairing.empty() ? "not paired" : doc_state(pairing)) +
                       ": " + std::to_string(changes.ended) + " replications ended");
}

// The channels first: their names are in the control database.
void DeviceSync::wipe(const Document& pairing) {
  const std::string control = services_.control_database(string_or(pairing, "user", ""));
  std::vector<std::string> names;
  for (const std::string& channel : channels_in(services_.server, control))
    names.push_back(services_.channel_database(channel));
  names.push_back(control);
  for (const std::string& name : names)
    services_.server.request("DELETE", Database(services_.server, name).path(), nullptr, {404});
  services_.log.info("wiped " + std::to_string(names.size()) +
                     " databases, as the revocation asks for and pairing allowed");
  update_pairing(services_, string_or(pairing, "device", ""), [](Document current) {
    current.erase("wipe_due");
    current["wiped"] = true;
    return current;
  });
}

Outcome DeviceSync::subscription_changed(Run&, const Document&) {
  wake();
  return Keep{};
}

Outcome DeviceSync::make_room(Run& run, const Document& doc) {
  const auto pairing = load_pairing(services_);
  const std::string user = pairing ? string_or(*pairing, "user", "") : "";
  const std::string id = doc_id(doc);
  const bool is_ours = !user.empty() && run.database.name() == services_.control_database(user);
  if (!is_ours || !is_channel_id(id)) return Keep{};
  if (!missing_databases(services_.server, {services_.channel_database(id)}).empty())
    ensure_local_database(services_, services_.channel_database(id), user);
  return Keep{};
}

}  // namespace channels
