// A phone leaves its device document in this machine's handshake; it is carried to the cloud's, and
// the answer back. Each transfer is what a replication of that one _id does, made by the daemon
// itself: a `_replicator` document for each would let any stranger in the local network make
// replication jobs.
#pragma once

#include <mutex>

#include "device_role/device_services.h"
#include "engine/handler.h"

namespace channels {

class Carrier {
 public:
  explicit Carrier(DeviceServices& services) : services_(services) {}

  // `new`: brings it to the cloud while it isn't there, and the answer back as soon as there is
  // one. Once answered it is never brought again. Safe.
  Outcome carry(Run& run, const Document& doc);
  // `confirming`, `confirmed`: brings what the cloud says since. Safe.
  Outcome bring_answer(Run& run, const Document& doc);

 private:
  bool may_ask_now();

  DeviceServices& services_;
  std::mutex mutex_;
  MonoTime minute_begins_{};   // guarded by mutex_
  int asked_this_minute_ = 0;  // guarded by mutex_
};

}  // namespace channels
