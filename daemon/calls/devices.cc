#include <algorithm>
#include <memory>

#include "base/log.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "calls/whose.h"

namespace channels {

namespace {

struct DevicesAsked {
  std::string whose;
  bool as_json = false;
};

// What an operator may see of a device's record: no credential, no code.
json::object device_json(const Document& record) {
  json::object out{{"id", doc_id(record).substr(std::string_view("device-").size())}};
  for (const char* key : {"state", "user", "name", "created", "expires", "activated", "revoked_at", "ended"}) {
    if (const json::value* value = record.if_contains(key)) out[key] = *value;
  }
  return out;
}

void print_device(const json::object& device, std::ostream& out) {
  out << string_or(device, "id", "?") << "  " << string_or(device, "state", "?") << "  "
      << escaped(string_or(device, "name", ""));
  for (const char* key : {"created", "expires", "activated", "revoked_at", "ended"}) {
    if (const auto time = get_string(device, key)) out << "  " << key << " " << *time;
  }
  out << "\n";
}

int print_devices(Operator& by, const DevicesAsked& asked) {
  const auto person = find_person(by, asked.whose);
  if (!person) return exit_failed;
  json::array devices;
  if (!person->user.empty()) {
    for (const Document& record : documents_of(by, "devices_by_user", person->user, most_shown))
      devices.push_back(device_json(record));
  }
  for (const Document& record : documents_of(by, "pending_by_address", person->address, most_shown))
    devices.push_back(device_json(record));
  if (asked.as_json) {
    by.out << json::serialize(json::object{{"user", person->user}, {"devices", devices}}) << "\n";
    return 0;
  }
  by.out << (person->user.empty() ? "no user yet: no device was confirmed" : "user " + person->user) << "\n";
  for (const json::value& device : devices) print_device(device.as_object(), by.out);
  if (devices.empty()) by.out << "no device\n";
  return 0;
}

}  // namespace

void add_devices(Calls& calls) {
  auto asked = std::make_shared<DevicesAsked>();
  CLI::App& command = calls.add("devices", "a user's devices and their states",
                                [asked](Operator& by) { return print_devices(by, *asked); });
  command.add_option("ADDRESS", asked->whose, "an e-mail address, or a user id")->required();
  command.add_flag("--json", asked->as_json, "one JSON object");
}

}  // namespace channels
