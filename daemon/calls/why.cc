#include <algorithm>
#include <memory>

#include "base/log.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "calls/why_reasons.h"

namespace channels {

namespace {

struct WhyAsked {
  std::string device;
  std::string channel;
  bool as_json = false;
};

bool any_of_kind(const std::vector<Reason>& reasons, Reason::Kind kind) {
  return std::any_of(reasons.begin(), reasons.end(),
                     [kind](const Reason& reason) { return reason.kind == kind; });
}

// true, false, or null where it cannot be known: the device's word is the only one there is.
json::value in_sync(const DeviceFacts& facts, const std::vector<Reason>& reasons) {
  if (any_of_kind(reasons, Reason::Kind::trouble)) return false;
  const bool all_known = std::all_of(
      facts.followed.begin(), facts.followed.end(),
      [](const FollowedFacts& followed) { return followed.behind == 0 || followed.is_duplicate; });
  return facts.mark && all_known ? json::value(true) : json::value(nullptr);
}

json::object followed_json(const FollowedFacts& followed) {
  json::object out{{"channel", followed.channel},           {"name", followed.name},
                   {"database", followed.database},         {"state", followed.made},
                   {"subscription", followed.subscription}, {"device_says", followed.mark}};
  out["behind"] = followed.behind < 0 ? json::value(nullptr) : json::value(followed.behind);
  return out;
}

json::array sentences(const std::vector<Reason>& reasons, Reason::Kind kind) {
  json::array out;
  for (const Reason& reason : reasons) {
    if (reason.kind != kind) continue;
    json::object entry{{"reason", reason.reason}, {"says", reason.sentence}};
    if (!reason.channel.empty()) entry["channel"] = reason.channel;
    out.push_back(std::move(entry));
  }
  return out;
}

json::object answer_json(const DeviceFacts& facts, const std::vector<Reason>& reasons) {
  json::object out{{"device", facts.id},
                   {"name", facts.name},
                   {"user", facts.user},
                   {"state", facts.state},
                   {"in_sync", in_sync(facts, reasons)},
                   {"trouble", sentences(reasons, Reason::Kind::trouble)},
                   {"notes", sentences(reasons, Reason::Kind::note)},
                   {"unknown", sentences(reasons, Reason::Kind::unknown)}};
  out["last_heard_of"] =
      facts.mark ? json::value(string_or(*facts.mark, "time", "")) : json::value(nullptr);
  json::array followed;
  for (const FollowedFacts& each : facts.followed) followed.push_back(followed_json(each));
  out["databases"] = std::move(followed);
  return out;
}

void print(const DeviceFacts& facts, const std::vector<Reason>& reasons, std::ostream& out) {
  const json::value verdict = in_sync(facts, reasons);
  out << escaped(facts.name.empty() ? facts.id.substr(0, 8) + "..." : facts.name) << ", "
      << facts.state
      << (verdict.is_null()   ? ": nothing is known to be wrong, but not everything can be known.\n"
          : verdict.as_bool() ? ": in sync.\n"
                              : ": not in sync.\n");
  for (const auto& [kind, before] : {std::pair{Reason::Kind::trouble, "  "},
                                     {Reason::Kind::note, "  "},
                                     {Reason::Kind::unknown, "  unknown: "}}) {
    for (const Reason& reason : reasons) {
      if (reason.kind == kind) out << before << reason.sentence << "\n";
    }
  }
}

int why(Operator& by, const WhyAsked& asked) {
  if (by.settings.role == Role::device)
    return exit_with(
        "why is answered where devices are registered (role = cloud); here, status says how this "
        "device stands",
        exit_failed);
  const auto facts = facts_of(by, asked.device, asked.channel);
  if (!facts) {
    by.out << "no device has that id: see couchdb-channels devices ADDRESS\n";
    return exit_failed;
  }
  if (!asked.channel.empty() && facts->state == "active" && facts->followed.size() == 1) {
    by.out << "this user has no channel " << escaped(asked.channel) << ", by id or by name\n";
    return exit_failed;
  }
  const auto reasons = reasons_of(*facts, by.env.wall_now());
  if (asked.as_json) {
    by.out << json::serialize(answer_json(*facts, reasons)) << "\n";
  } else {
    print(*facts, reasons, by.out);
  }
  return 0;
}

}  // namespace

void add_why(Calls& calls) {
  auto asked = std::make_shared<WhyAsked>();
  CLI::App& command = calls.add("why", "why a device is not in sync, as far as CouchDB knows it",
                                [asked](Operator& by) { return why(by, *asked); });
  command.add_option("DEVICE", asked->device, "its id, as devices shows it")->required();
  command.add_option("CHANNEL", asked->channel,
                     "one of the user's channels, by id or name; all if left out");
  command.add_flag("--json", asked->as_json, "one JSON object");
}

}  // namespace channels
