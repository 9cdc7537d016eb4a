// `couchdb-channels rotate`: gives a paired machine another secret. The call makes it and waits; the daemon does the rest, since it must end the
// replications first.
#include <iostream>
#include <memory>

#include "base/errors.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "calls/device.h"
#include "device_role/rotation.h"

namespace channels {

namespace {

constexpr milliseconds between_looks_at_rotation{500};

int rotate_secret(Operator& by, int seconds_to_wait) {
  if (by.settings.role != Role::device)
    return exit_with("[channels] role = cloud: rotate is for a device's own CouchDB, with role = device", exit_bad_configuration);
  StderrLog log(Level::error);
  const DeviceServices services = device_services(by, log);
  const auto pairing = services.registry().exists() ? load_pairing(services) : std::nullopt;
  if (!pairing || !is_active(*pairing)) return exit_with("this device is not active: couchdb-channels pair registers it", exit_failed);
  const std::string device = string_or(*pairing, "device", "");
  const MonoTime until = by.env.mono_now() + seconds(seconds_to_wait);
  Document now = update_pairing(services, device, [&](Document current) { return with_next_secret(by.env, std::move(current)); });
  by.out << "A new secret is made; the old one is kept until " << string_or(now, "cloud", "") << " has taken the new one." << std::endl;
  while (is_rotating(now)) {
    if (by.env.mono_now() >= until)
      return exit_with("not changed yet. Both secrets are kept and the daemon goes on; the same call waits again", exit_failed);
    pause(by.env, between_looks_at_rotation);
    now = load_pairing(services).value_or(Document{});
    if (string_or(now, "device", "") != device || !is_active(now)) return exit_with("the pairing has ended meanwhile", exit_failed);
  }
  if (const json::object* error = get_object(now, "rotation_error"))
    return exit_with("the cloud did not take it: " + escaped(string_or(*error, "reason", "")) + " The old secret is in use", exit_failed);
  by.out << "The new secret is in use.\n";
  return 0;
}

}  // namespace

void add_rotate(Calls& calls) {
  auto wait = std::make_shared<int>(120);
  CLI::App& command = calls.add("rotate", "give this paired machine another secret (role = device)",
                                [wait](Operator& by) { return rotate_secret(by, *wait); });
  command.add_option("--wait", *wait, "how long to wait, default 120")->type_name("SECONDS")->check(CLI::Range(0, 86400));
}

}  // namespace channels
