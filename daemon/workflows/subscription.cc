#include "workflows/subscription.h"

#include "base/errors.h"
#include "workflows/channel_claims.h"
#include "workflows/channel_ends.h"
#include "workflows/groups.h"
#include "workflows/reach.h"

namespace channels {

namespace {

constexpr seconds channel_wait{2};
constexpr int most_tries_to_subscribe = 5;

// The channel that the id is about; empty if it is not one of this user.
std::string channel_in_id(const std::string& id, const std::string& user) {
  const std::string ending = "-sub-" + user;
  if (!id.ends_with(ending)) return {};
  return id.substr(0, id.size() - ending.size());
}

Document put_right(const Services& services, Document doc, const std::string& channel_id) {
  doc["channel"] = channel_id;
  doc["syncpoint"] = services.syncpoint(services.channel_database(channel_id));
  doc.erase("error");
  return doc;
}

Document no_member(Document doc) {
  doc.erase("before");
  return in_error(std::move(doc), "no_member", "There is no such channel for this user.");
}

bool is_choice(std::string_view state) {
  return state == "active" || state == "paused" || state == "stopped";
}

// A choice that came before its channel did, or by a device that does not know yet: kept for the day on which he has the channel.
Document chosen_too_early(Document doc) {
  const std::string choice = doc_state(doc);
  doc = no_member(std::move(doc));
  doc["before"] = choice;
  return doc;
}

Document of_deleted(Document doc) {
  doc["before"] = doc_state(doc);
  return in_error(doc, "deleted", "This channel is deleted.");
}

bool came_too_early(const Document& doc) {
  const json::object* error = get_object(doc, "error");
  return doc_state(doc) == "error" && error != nullptr && string_or(*error, "error", "") == "no_member";
}

// What the person had chosen of a channel that was deleted, or that was not his yet; else empty.
std::string choice_before(const Document& doc) {
  const json::object* error = get_object(doc, "error");
  const std::string why = error == nullptr ? "" : string_or(*error, "error", "");
  if (why != "deleted" && why != "no_member") return {};
  const std::string before = string_or(doc, "before", "");
  return is_choice(before) ? before : "";
}

using Ended = std::optional<Document> (*)(const std::optional<Document>& found);

void end_by(Services& services, Database& control, const std::string& channel_id, Ended ended) {
  const std::string id = subscription_id(channel_id, services.user_of(control));
  for (int tries = 0; tries < most_tries_to_subscribe; ++tries) {
    const auto wanted = ended(control.get(id));
    if (!wanted || control.save(*wanted).ok()) return;
  }
  throw Unavailable("the subscription of a channel changes all the time");
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
  if (!record || is_group(*record)) return is_coming(run, channel_id) ? Outcome(Later{run.env.wall_now() + channel_wait}) : Save{chosen_too_early(doc)};
  const bool has_it = Reach(services).has(*record, user);
  if (is_ended(*record) && has_it) return Save{of_deleted(doc)};
  if (!has_it || doc_state(*record) != "ready") {
    if (is_coming(run, channel_id)) return Later{run.env.wall_now() + channel_wait};
    return Save{chosen_too_early(doc)};
  }
  Document next = put_right(services, doc, channel_id);
  if (same_content(next, doc)) return Keep{};
  return Save{std::move(next)};
}

std::optional<Document> subscribed(const Services& services, const std::optional<Document>& found,
                                   const std::string& channel_id, const std::string& user) {
  // The rule puts the rest right.
  if (found && (doc_type(*found) != "subscription" || is_choice(doc_state(*found)))) return std::nullopt;
  Document wanted = found.value_or(Document{{"_id", subscription_id(channel_id, user)}, {"type", "subscription"}});
  const std::string before = choice_before(wanted);
  wanted["state"] = before.empty() ? "active" : before;
  wanted.erase("before");
  return put_right(services, std::move(wanted), channel_id);
}

std::optional<Document> unsubscribed(const std::optional<Document>& found) {
  if (!found || doc_type(*found) != "subscription" || !is_choice(doc_state(*found))) return std::nullopt;
  return no_member(*found);
}

std::optional<Document> suspended(const std::optional<Document>& found) {
  if (!found || doc_type(*found) != "subscription" || !is_choice(doc_state(*found))) return std::nullopt;
  return of_deleted(*found);
}

void subscribe(Services& services, Database& control, const std::string& channel_id) {
  const std::string user = services.user_of(control);
  for (int tries = 0; tries < most_tries_to_subscribe; ++tries) {
    const auto wanted = subscribed(services, control.get(subscription_id(channel_id, user)), channel_id, user);
    if (!wanted || control.save(*wanted).ok()) return;
  }
  throw Unavailable("the subscription of a channel changes all the time");
}

void subscribe_at_last(Services& services, Database& control, const std::string& channel_id) {
  const Winner there = control.winners({subscription_id(channel_id, services.user_of(control))}).front();
  const bool never_had_any = !there.doc && !there.deleted;
  if (never_had_any || (there.doc && came_too_early(*there.doc))) subscribe(services, control, channel_id);
}

void end_subscription(Services& services, Database& control, const std::string& channel_id) {
  end_by(services, control, channel_id, unsubscribed);
}

void suspend_subscription(Services& services, Database& control, const std::string& channel_id) {
  end_by(services, control, channel_id, suspended);
}

}  // namespace channels
