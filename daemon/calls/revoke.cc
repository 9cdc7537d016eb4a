#include <memory>

#include "base/errors.h"
#include "base/log.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "couch/database.h"
#include "provision/users.h"
#include "workflows/audit.h"
#include "workflows/registry.h"

namespace channels {

namespace {

struct Order {
  std::string device;
  bool wipe = false;
};

constexpr int most_saves = 5;

// As any other device of the user would ask for it; the daemon carries it out to the end.
void ask_daemon(Database& control, const Order& order) {
  for (int tries = 0; tries < most_saves; ++tries) {
    Document doc = control.get(order.device).value_or(Document{{"_id", order.device}, {"type", "device"}});
    doc["state"] = "revoke";
    doc["wipe"] = order.wipe;
    if (control.save(doc).ok()) return;
  }
  throw Unavailable("the device's document in " + control.name() + " changes all the time");
}

// Before anything is done: an order that was cut off is seen, and not the other way round. The daemon says in its own entry
// whose order it carried out.
void note_order(Operator& by, Registry& registry, const Document& known, const Order& order) {
  const Document record = registry.update(known, [&](Document& current) {
    current["revoke_by"] = by_operator;
    note_audit(current,
               {"device locked out", std::string(by_operator), {{"user", string_or(current, "user", "")}, {"device", order.device}}},
               by.env.wall_now());
    return true;
  });
  registry.write_audits(noted_audits(record));
}

int revoke(Operator& by, const Order& order) {
  Registry registry(by.env, Database(by.server, by.settings.registry_db));
  const auto record = registry.get(device_record_id(order.device));
  const std::string state = record ? doc_state(*record) : "";
  const std::string user = record ? string_or(*record, "user", "") : "";
  if (state == "revoked") {
    by.out << "was revoked " << string_or(*record, "revoked_at", "before") << "\n";
    return 0;
  }
  if (user.empty()) {
    by.out << (record ? "has no log-in: it is " + state : "no device has that id: see couchdb-channels devices ADDRESS")
           << "\n";
    return exit_failed;
  }
  note_order(by, registry, *record, order);
  // The log-in before the rest: the device is out now, also where no daemon runs to do the rest.
  delete_user(by.server, order.device);
  Database control(by.server, by.settings.control_prefix + user);
  ask_daemon(control, order);
  by.out << "locked out: " << escaped(string_or(*record, "name", "")) << " of user " << user
         << "; the daemon tells the device and the address\n";
  return 0;
}

}  // namespace

void add_revoke(Calls& calls) {
  auto order = std::make_shared<Order>();
  CLI::App& command = calls.add("revoke", "lock a device out",
                                [order](Operator& by) { return revoke(by, *order); });
  command.add_option("DEVICE", order->device, "its id, as devices shows it")->required();
  command.add_flag("--wipe", order->wipe, "ask it to delete its data; it does if its app allowed that");
}

}  // namespace channels
