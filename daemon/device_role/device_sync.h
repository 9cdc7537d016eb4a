// Keeps this machine's CouchDB in sync with the cloud, by `_replicator` documents: one thread that
// looks at the pairing, the local control database and the scheduler, and makes them agree. It
// keeps nothing of its own: killed at any point, the next start goes on from what CouchDB holds.
// The rules of role = device (workflows/all.cc) tell it of changes.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "device_role/device_services.h"
#include "device_role/put_back.h"
#include "device_role/restarts.h"
#include "engine/handler.h"

namespace channels {

class DeviceSync {
 public:
  // Nothing happens before start().
  explicit DeviceSync(DeviceServices& services);
  ~DeviceSync();

  // The server is up and has what install() makes.
  void start();

  // Rules of the local control database. A subscription changed, a channel turned out to be a second one of its name, or a document went.
  Outcome subscription_changed(Run& run, const Document& doc);
  // A channel that was made here is usable before the cloud knows of it.
  Outcome make_room(Run& run, const Document& doc);

 private:
  void work();
  void wake();
  void wait(milliseconds time);
  // How long until the next step.
  milliseconds step();
  milliseconds keep_in_sync(const Document& pairing);
  void reconcile(const Document& pairing);
  void hold_while_rotating(const Document& pairing);
  milliseconds rotate(const Document& pairing);
  void make_local_databases(const Document& pairing, const std::vector<std::string>& names);
  void look_at_replications(const Document& pairing);
  void restart_what_is_down(const Document& pairing, const std::map<std::string, ReplicationState>& states);
  void leave_mark(const Document& pairing);
  void end_all(const Document& pairing);
  void wipe(const Document& pairing);
  void log_refusal(const std::string& what);

  DeviceServices& services_;
  PutBack put_back_;
  Restarts restarts_;  // only the thread uses these
  std::string seen_rev_;
  std::string account_of_;          // the pairing whose local account was made sure of
  std::set<std::string> refusals_;  // logged already
  MonoTime next_reconcile_{};
  MonoTime next_look_{};
  MonoTime next_log_in_{};
  MonoTime next_mark_{};
  json::object marked_;  // what the cloud was told last
  MonoTime mark_again_{};
  MonoTime hold_until_{};  // while the secret changes, no replication tries the old one
  MonoTime next_hold_{};
  MonoTime next_rotation_look_{};

  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  bool dirty_ = true;  // guarded by mutex_
  std::stop_source stop_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace channels
