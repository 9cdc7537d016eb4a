#include "workflows/doorbell.h"

#include <algorithm>

#include "base/check.h"
#include "base/errors.h"
#include "workflows/channel_claims.h"
#include "workflows/reach.h"
#include "workflows/subscription.h"

namespace channels {

namespace {

constexpr std::string_view doorbell_id = "doorbell";
// Every ring wakes all of the user's devices, and is a revision on each of them.
constexpr seconds between_rings{10};
// Written and replicated whole with every ring. A device looks at each channel once an hour anyway.
constexpr std::size_t most_channels = 500;
constexpr int most_tries = 5;

void forget_oldest(json::object& times) {
  while (times.size() > most_channels) {
    const auto oldest = std::min_element(times.begin(), times.end(), [&](const auto& left, const auto& right) {
      const auto age = [&](const auto& ring) { return std::pair(string_or(times, ring.key(), ""), ring.key()); };
      return age(left) < age(right);
    });
    times.erase(oldest->key());
  }
}

std::string channel_id_from(const Services& services, const Database& channel) {
  check(channel.name().starts_with(services.options.channel_prefix), "no channel database");
  return channel.name().substr(services.options.channel_prefix.size());
}

bool has_active(Services& services, const std::string& user, const std::string& channel_id) {
  Database control(services.server, services.control_database(user));
  const auto subscription = control.get(subscription_id(channel_id, user));
  return subscription && doc_state(*subscription) == "active";
}

void find_who_is_to_know(Services& services, const std::string& channel_id) {
  const auto record = services.registry.get(channel_record_id(channel_id));
  if (!record) return;
  for (const std::string& user : Reach(services).everybody(*record)) {
    if (has_active(services, user, channel_id)) services.bells.want(user, channel_id);
  }
}

// nullopt: written. Else it was rung by another worker, or before a restart, less than that long ago.
std::optional<seconds> write_ring(Services& services, const std::string& user, const std::set<std::string>& channels) {
  Database control(services.server, services.control_database(user));
  for (int tries = 0; tries < most_tries; ++tries) {
    const Document found = control.get(doorbell_id).value_or(Document{{"_id", doorbell_id}});
    const WallTime now = services.env.wall_now();
    const auto age = last_rung(found, now);
    // Times are whole seconds.
    if (age && *age <= between_rings) return between_rings - *age + seconds(1);
    if (control.save(rung(found, channels, now)).ok()) return std::nullopt;
  }
  throw Unavailable("the doorbell changes all the time");
}

std::optional<MonoTime> ring_for(Services& services, const std::string& user) {
  const MonoTime now = services.env.mono_now();
  const Bells::Ring ring = services.bells.begin(user, now);
  if (ring.channels.empty()) return ring.later;
  try {
    const auto wait = write_ring(services, user, ring.channels);
    const MonoTime next = now + wait.value_or(between_rings);
    services.bells.ended(user, !wait, now, next);
    if (!wait) return std::nullopt;
    return next;
  } catch (const Refused& refused) {
    // A user whose control database is gone has nobody who listens.
    services.bells.ended(user, refused.status == 404, now, now);
    if (refused.status != 404) throw;
    return std::nullopt;
  } catch (...) {
    services.bells.ended(user, false, now, now);
    throw;
  }
}

}  // namespace

std::optional<MonoTime> ring_doorbell(Services& services, const Database& channel, bool is_news) {
  const std::string channel_id = channel_id_from(services, channel);
  if (is_news) find_who_is_to_know(services, channel_id);
  std::optional<MonoTime> again;
  for (const std::string& user : services.bells.waiting_for(channel_id)) {
    const auto later = ring_for(services, user);
    if (later) again = again ? std::min(*again, *later) : *later;
  }
  return again;
}

Document rung(Document doorbell, const std::set<std::string>& channels, WallTime now) {
  doorbell["type"] = "doorbell";
  json::object times;
  if (const json::object* known = get_object(doorbell, "channels")) times = *known;
  for (const std::string& channel : channels) times[channel] = format_time(now);
  forget_oldest(times);
  doorbell["channels"] = std::move(times);
  return doorbell;
}

std::optional<Document> united_doorbell(const std::vector<const Document*>& leaves) {
  Document united = *leaves.front();
  json::object times;
  for (const Document* leaf : leaves) {
    const json::object* rings = get_object(*leaf, "channels");
    if (doc_id(*leaf) != doorbell_id || doc_type(*leaf) != "doorbell" || rings == nullptr) return std::nullopt;
    for (const auto& [channel, time] : *rings) {
      const bool is_later = !times.contains(channel) || string_or(times, channel, "") < string_or(*rings, channel, "");
      if (is_later) times[channel] = time;
    }
  }
  forget_oldest(times);
  if (const json::object* kept = get_object(united, "channels"); *kept != times) united["channels"] = std::move(times);
  return united;
}

std::optional<seconds> last_rung(const Document& doorbell, WallTime now) {
  const json::object* times = get_object(doorbell, "channels");
  if (times == nullptr) return std::nullopt;
  std::optional<seconds> least;
  for (const auto& [channel, value] : *times) {
    const json::string* text = value.if_string();
    const auto time = text ? parse_time({text->data(), text->size()}) : std::nullopt;
    if (!time || *time > now) continue;
    const auto age = std::chrono::duration_cast<seconds>(now - *time);
    least = least ? std::min(*least, age) : age;
  }
  return least;
}

}  // namespace channels
