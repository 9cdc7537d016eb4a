#include "workflows/subscription.h"

#include "base/errors.h"
#include "workflows/channel_claims.h"
#include "workflows/members.h"

namespace channels {

namespace {

constexpr seconds channel_wait{2};

// The channel that the id is about; empty if it is not one of this user.
std::string channel_in_id(const std::string& id, const std::string& user) {
  const std::string ending = "-sub-" + user;
  if (!id.ends_with(ending)) return {};
  return id.substr(0, id.size() - ending.size());
}

Document put_right(Services& services, Document doc, const std::string& channel_id) {
  doc["channel"] = channel_id;
  doc["syncpoint"] = services.syncpoint(services.channel_database(channel_id));
  doc.erase("error");
  return doc;
}

Document no_member(const Document& doc) {
  return in_error(doc, "no_member", "There is no such channel for this user.");
}

bool is_choice(std::string_view state) {
  return state == "active" || state == "paused" || state == "stopped";
}

// Its channel is on the way, in the same database.
bool is_coming(Run& run, const std::string& channel_id) {
  const auto channel = run.database.get(channel_id);
  return channel && doc_type(*channel) == "channel" &&
         (doc_state(*channel) == "new" || doc_state(*channel) == "ready");
}

}  // namespace

std::string subscription_id(std::string_view channel_id, std::string_view user) {
  return std::string(channel_id) + "-sub-" + std::string(user);
}

Outcome mend_subscription(Services& services, Run& run, const Document& doc) {
  if (doc_state(doc) == "error") return Keep{};
  const std::string user = services.user_of(run.database);
  const std::string channel_id = channel_in_id(doc_id(doc), user);
  if (channel_id.empty())
    return Save{in_error(doc, "bad_id", "A subscription's id is <channel id>-sub-<user id>.")};
  if (!is_choice(doc_state(doc)))
    return Save{in_error(doc, "bad_state", "A subscription is \"active\", \"paused\" or \"stopped\".")};
  const auto record = services.registry.get(channel_record_id(channel_id));
  if (!record || !is_member(*record, user) || doc_state(*record) != "ready") {
    if (is_coming(run, channel_id)) return Later{run.env.wall_now() + channel_wait};
    return Save{no_member(doc)};
  }
  Document next = put_right(services, doc, channel_id);
  if (same_content(next, doc)) return Keep{};
  return Save{std::move(next)};
}

void subscribe(Services& services, Database& control, const std::string& channel_id) {
  const std::string id = subscription_id(channel_id, services.user_of(control));
  for (int tries = 0; tries < 5; ++tries) {
    const auto found = control.get(id);
    if (found && (doc_type(*found) != "subscription" || is_choice(doc_state(*found)))) return;  // the rule puts the rest right
    Document wanted = found.value_or(Document{{"_id", id}, {"type", "subscription"}});
    wanted["state"] = "active";
    if (control.save(put_right(services, std::move(wanted), channel_id)).ok()) return;
  }
  throw Unavailable("the subscription of a channel changes all the time");
}

void end_subscription(Services& services, Database& control, const std::string& channel_id) {
  const std::string id = subscription_id(channel_id, services.user_of(control));
  for (int tries = 0; tries < 5; ++tries) {
    const auto found = control.get(id);
    if (!found || doc_type(*found) != "subscription" || !is_choice(doc_state(*found))) return;
    if (control.save(no_member(*found)).ok()) return;
  }
  throw Unavailable("the subscription of a channel changes all the time");
}

}  // namespace channels
