// `couchdb-channels pair`: registers this machine's CouchDB as a device of a person, and waits.
// Whatever ends it, the daemon goes on with the registration, and so does the same call again.
#include <poll.h>

#include <iostream>
#include <memory>

#include "base/errors.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "calls/device.h"
#include "device_role/pairing.h"
#include "device_role/registration.h"
#include "device_role/syncpoint.h"
#include "host/signals.h"
#include "mail/address.h"
#include "provision/databases.h"

namespace channels {

namespace {

constexpr milliseconds until_next_look{1000};
constexpr std::size_t longest_name = 200;
constexpr std::size_t longest_locale = 35;

struct PairArguments {
  std::string cloud;
  std::string owner;
  std::string name;
  std::string locale;
  std::string handshake;
  bool allow_wipe = false;
  bool anew = false;
  int wait = 900;
};

Parsed<PairingWish> parse_wish(const PairArguments& arguments, const Settings& settings) {
  auto cloud = parse_cloud_url(arguments.cloud);
  if (!cloud) return Invalid::because("--cloud " + cloud.error().reason);
  auto owner = parse_address(arguments.owner);
  if (!owner) return Invalid::because("--owner: " + owner.error().reason);
  if (arguments.name.size() > longest_name) return Invalid::because("--name: at most 200 bytes");
  if (arguments.locale.size() > longest_locale)
    return Invalid::because("--locale: at most 35 bytes, as en or de-AT");
  return PairingWish{
      *cloud,           arguments.handshake.empty() ? settings.handshake_db : arguments.handshake,
      owner->spelled,   arguments.name,
      arguments.locale, arguments.allow_wipe};
}

bool is_same(const Document& pairing, const PairingWish& wish) {
  return string_or(pairing, "cloud", "") == wish.cloud &&
         string_or(pairing, "owner", "") == wish.owner &&
         string_or(pairing, "handshake", "") == wish.handshake;
}

// The registry and its pairing, made now if the daemon has not run yet: the secret is kept before
// anything is sent.
Document begin(const DeviceServices& services, const PairingWish& wish,
               const std::optional<Document>& current) {
  Database registry = services.registry();
  ensure_database(registry, services.options.shards);
  ensure_security(registry, {{}, true, {}, {}});
  Document pairing = new_pairing(services.env, wish);
  if (current) pairing["_rev"] = doc_rev(*current);
  const Saved saved = registry.save(pairing);
  if (!saved.ok()) throw Unavailable("another call of pair was faster: try again");
  pairing["_rev"] = saved.rev;
  return pairing;
}

// False at Ctrl-C.
bool wait_a_moment(const EndSignals& signals) {
  pollfd wanted{signals.fd(), POLLIN, 0};
  return poll(&wanted, 1, static_cast<int>(until_next_look.count())) == 0;
}

int told_end(Operator& by, const Document& pairing) {
  if (is_active(pairing)) {
    by.out << "This device is active: the daemon keeps all channels in sync. See couchdb-channels "
              "status.\n";
    return 0;
  }
  const json::object* error = get_object(pairing, "error");
  return exit_with("the registration ended, " + doc_state(pairing) +
                       (error == nullptr ? "" : ": " + escaped(string_or(*error, "reason", ""))) +
                       ". The same call begins another one",
                   exit_failed);
}

void tell_state(Operator& by, const Document& pairing) {
  const std::string state = doc_state(pairing);
  if (state == "new")
    by.out << "Registered; a mail is on its way to " << string_or(pairing, "owner", "") << ".\n";
  if (state == "confirming")
    by.out << "Open the link in the mail to " << string_or(pairing, "owner", "")
           << " and type this code: " << string_or(pairing, "device_code", "?") << "\n";
  if (state == "confirmed") by.out << "Confirmed; the cloud makes what is needed.\n";
  by.out.flush();
}

int wait_for_end(Operator& by, const DeviceServices& services, Document pairing,
                 int seconds_to_wait) {
  const EndSignals signals;
  const MonoTime until = by.env.mono_now() + seconds(seconds_to_wait);
  std::string told;
  bool told_offline = false;
  while (true) {
    if (std::exchange(told, doc_state(pairing)) != doc_state(pairing)) tell_state(by, pairing);
    if (!is_pending(pairing)) return told_end(by, pairing);
    if (by.env.mono_now() >= until || !wait_a_moment(signals))
      return exit_with(
          "not active yet. The daemon goes on; the same call waits again, status tells how it "
          "stands",
          exit_failed);
    try {
      pairing = advance_registration(services, load_pairing(services).value_or(pairing));
    } catch (const Unavailable& offline) {
      if (!std::exchange(told_offline, true))
        by.out << "The cloud is not reached (" << offline.what()
               << "). The registration is kept and sent later." << std::endl;
    }
  }
}

int pair(Operator& by, const PairArguments& arguments) {
  if (by.settings.role != Role::device)
    return exit_with(
        "[channels] role = cloud: pair is for a device's own CouchDB, with role = device",
        exit_bad_configuration);
  const auto wish = parse_wish(arguments, by.settings);
  if (!wish) return exit_with(wish.error().reason, exit_bad_configuration);
  StderrLog log(Level::error);
  const DeviceServices services = device_services(by, log);
  std::optional<Document> current;
  if (services.registry().exists()) current = load_pairing(services);
  const bool goes_on = current && (is_pending(*current) || is_active(*current)) && !arguments.anew;
  if (goes_on && !is_same(*current, *wish))
    return exit_with("paired as " + escaped(string_or(*current, "owner", "")) + " at " +
                         string_or(*current, "cloud", "") + " already: --anew ends that",
                     exit_failed);
  if (travels_in_clear(wish->cloud))
    std::cerr << "couchdb-channels: warning: " << wish->cloud
              << " is not encrypted: whoever is on the way can read the password\n";
  return wait_for_end(by, services, goes_on ? *current : begin(services, *wish, current),
                      arguments.wait);
}

}  // namespace

void add_pair(Calls& calls) {
  auto arguments = std::make_shared<PairArguments>();
  CLI::App& command =
      calls.add("pair", "register this machine's own CouchDB as a device (role = device)",
                [arguments](Operator& by) { return pair(by, *arguments); });
  command.add_option("--cloud", arguments->cloud, "the installation's public_url")
      ->required()
      ->type_name("URL");
  command.add_option("--owner", arguments->owner, "the address of its person")
      ->required()
      ->type_name("ADDRESS");
  command.add_option("--name", arguments->name, "what the person calls this device");
  command.add_option("--locale", arguments->locale, "of the mails, as en or de");
  command.add_option("--handshake", arguments->handshake,
                     "the cloud's handshake database, if its name is another than here");
  command.add_flag("--allow-wipe", arguments->allow_wipe,
                   "who revokes this device may have its copies deleted");
  command.add_flag("--anew", arguments->anew, "in place of the pairing that is there");
  command.add_option("--wait", arguments->wait, "how long to wait, default 900")
      ->type_name("SECONDS")
      ->check(CLI::Range(0, 86400));
}

}  // namespace channels
