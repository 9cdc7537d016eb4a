#include <iostream>
#include <memory>

#include "app/daemon.h"
#include "base/check.h"
#include "base/log.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "couch/database.h"
#include "workflows/erasure.h"
#include "workflows/registry.h"

namespace channels {

namespace {

struct EraseAsked {
  std::string whom;
  bool as_json = false;
};

class SendsNothing : public Mailer {
 public:
  void send(const Mail&, milliseconds, const MayFinish&) override { check(false, "an erasure sends no mail"); }
};

// By a user id as `devices` shows it; also of an erasure that did not come to its end.
std::optional<Address> address_of_user(Database& registry, const std::string& user) {
  if (const auto notes = registry.get("erasure-" + user)) {
    if (const auto address = parse_address(string_or(*notes, "address", ""))) return *address;
  }
  const auto record = registry.get("user-" + user);
  const auto address = registry.get(address_record_id(record ? string_or(*record, "address", "") : ""));
  const auto parsed = parse_address(address ? string_or(*address, "address", "") : "");
  if (!parsed) return std::nullopt;
  return *parsed;
}

std::optional<Address> address_meant(Operator& by, const std::string& whom) {
  if (const auto parsed = parse_address(whom)) return *parsed;
  Database registry(by.server, by.settings.registry_db);
  return address_of_user(registry, whom);
}

json::object json_of(const Erased& erased) {
  json::array touched;
  for (const Touched& thing : erased.touched)
    touched.push_back(json::object{{"database", thing.database}, {"document", thing.document}, {"what", thing.what}});
  return {{"user", erased.user},
          {"touched", std::move(touched)},
          {"left_out", erased.left_out},
          {"compacting", json::value_from(erased.compacting)},
          {"not_reached", json::value_from(not_reached_by_erasure())}};
}

void print_erased(const Erased& erased, std::ostream& out) {
  out << "erased: user " << erased.user << "\n";
  for (const Touched& thing : erased.touched)
    out << "  " << thing.database << (thing.document.empty() ? "" : "  " + escaped(thing.document)) << "  " << thing.what << "\n";
  if (erased.left_out > 0) out << "  and " << erased.left_out << " more\n";
  for (const std::string& name : erased.compacting) out << "still being compacted, old revisions are in it until then: " << name << "\n";
  out << "not reached:\n";
  for (const std::string& sentence : not_reached_by_erasure()) out << "  " << sentence << "\n";
}

int erase(Operator& by, const EraseAsked& asked) {
  if (by.settings.role == Role::device) {
    by.out << "erase is for the cloud; here, remove the databases of the user\n";
    return exit_failed;
  }
  const auto address = address_meant(by, asked.whom);
  if (!address) {
    by.out << escaped(asked.whom) << " is no e-mail address, and no user's id\n";
    return exit_failed;
  }
  StderrLog log(Level::error);
  SendsNothing mailer;
  const auto templates = Templates::load(std::nullopt);
  Services services(by.env, log, by.server, mailer, *templates, workflow_options(by.settings));
  // With --json standard output is one object.
  const Erased erased = erase_person(services, *address, [](const std::string& line) { std::cerr << line << "\n"; });
  if (asked.as_json) by.out << json::serialize(json_of(erased)) << "\n";
  else print_erased(erased, by.out);
  return erased.compacting.empty() ? 0 : exit_failed;
}

}  // namespace

void add_erase(Calls& calls) {
  auto asked = std::make_shared<EraseAsked>();
  CLI::App& command = calls.add("erase", "erase a person: log-ins, control database, memberships, and the address everywhere",
                                [asked](Operator& by) { return erase(by, *asked); });
  command.add_option("ADDRESS", asked->whom, "an e-mail address, or a user id")->required();
  command.add_flag("--json", asked->as_json, "one JSON object");
}

}  // namespace channels
