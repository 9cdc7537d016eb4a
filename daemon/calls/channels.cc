#include <memory>

#include "base/log.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "calls/whose.h"
#include "workflows/channel_claims.h"
#include "workflows/channel_ends.h"
#include "workflows/members.h"

namespace channels {

namespace {

struct ChannelsAsked {
  std::string whose;
  bool as_json = false;
};

// {"id", "name", "state", "database", "access", "subscription"}; the last is the choice of the user's devices.
json::object channel_json(Operator& by, const Person& person, const Document& record, Database& control) {
  const std::string id = channel_id_of(record);
  const auto subscription = control.get(id + "-sub-" + person.user);
  return {{"id", id},
          {"name", string_or(record, "name", "")},
          {"state", is_archived(record) && !is_ended(record) ? "archived" : doc_state(record)},
          {"database", by.settings.channel_prefix + id},
          {"access", access_of(record, person.user)},
          {"subscription", subscription ? doc_state(*subscription) : "none"}};
}

void print_channel(const json::object& channel, std::ostream& out) {
  out << string_or(channel, "id", "?") << "  " << string_or(channel, "state", "?") << "  "
      << escaped(string_or(channel, "name", "")) << "  " << string_or(channel, "database", "")
      << "  " << string_or(channel, "access", "") << "  subscription " << escaped(string_or(channel, "subscription", "")) << "\n";
}

int print_channels(Operator& by, const ChannelsAsked& asked) {
  const auto person = find_person(by, asked.whose);
  if (!person) return exit_failed;
  json::array channels;
  if (!person->user.empty()) {
    Database control(by.server, by.settings.control_prefix + person->user);
    for (const Document& record : documents_of(by, "channels_by_user", person->user, most_shown))
      channels.push_back(channel_json(by, *person, record, control));
  }
  if (asked.as_json) {
    by.out << json::serialize(json::object{{"user", person->user}, {"channels", channels}}) << "\n";
    return 0;
  }
  for (const json::value& channel : channels) print_channel(channel.as_object(), by.out);
  if (channels.empty()) by.out << "no channel\n";
  return 0;
}

}  // namespace

void add_channels(Calls& calls) {
  auto asked = std::make_shared<ChannelsAsked>();
  CLI::App& command = calls.add("channels", "the channels that a user has, his access, and whether his devices follow them",
                                [asked](Operator& by) { return print_channels(by, *asked); });
  command.add_option("ADDRESS", asked->whose, "an e-mail address, or a user id")->required();
  command.add_flag("--json", asked->as_json, "one JSON object");
}

}  // namespace channels
