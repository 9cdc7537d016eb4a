#include "engine/hot_feeds.h"

#include "base/errors.h"
#include "couch/database.h"
#include "engine/backoff.h"

namespace channels {

namespace {

// Shorter than the 60 s after which many proxies cut a silent connection.
constexpr seconds poll_time{50};
// A place is not taken from a database that was active so lately: two would only chase each other.
constexpr seconds least_stay{5};
// CouchDB (seen on 3.5.0) reads the feed and then begins to listen for changes: a change between the two is not told
// until the next one. The hint by _db_updates comes up to a second after the change; so long a poll
// that has just begun is not believed to hear everything.
constexpr seconds deaf_time{3};

}  // namespace

HotFeeds::HotFeeds(Env& env, Log& log, Server& server, Schedule& schedule, int places,
                   const std::vector<std::string>& pinned)
    : env_(env), log_(log), server_(server), schedule_(schedule), changed_(env.make_signal()) {
  places_.resize(pinned.size() + static_cast<std::size_t>(places));
  for (std::size_t i = 0; i < pinned.size(); ++i) {
    places_[i].database = pinned[i];
    places_[i].pinned = true;
  }
  for (std::size_t i = 0; i < places_.size(); ++i)
    threads_.push_back(env_.start("hot feed", [this, i] { work(i); }));
}

HotFeeds::~HotFeeds() {
  stop();
}

void HotFeeds::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (Place& place : places_) place.stop.request_stop();
    changed_->notify_all();
  }
  threads_.clear();
}

HotFeeds::Place* HotFeeds::place_for(const std::string& database) {
  Place* best = nullptr;
  for (Place& place : places_) {
    if (place.database == database) return &place;
    if (place.pinned) continue;
    const bool better = best == nullptr || place.database.empty() ||
                        (!best->database.empty() && place.used_at < best->used_at);
    if (better) best = &place;
  }
  if (best == nullptr) return nullptr;
  if (!best->database.empty() && env_.mono_now() - best->used_at < least_stay) return nullptr;
  return best;
}

void HotFeeds::turn_ended(const std::string& database, const std::string& position, bool active) {
  const std::lock_guard lock(mutex_);
  Place* place = place_for(database);
  if (place == nullptr || (place->database != database && !active)) return;
  if (place->database != database) {
    place->database = database;
    place->polling = false;
    place->stop.request_stop();
    place->stop = std::stop_source();
  }
  if (active) place->used_at = env_.mono_now();
  if (!place->polling) {
    place->since = position;
    changed_->notify_all();
  }
}

void HotFeeds::leave(const std::string& database) {
  const std::lock_guard lock(mutex_);
  for (Place& place : places_) {
    if (place.database != database) continue;
    place.since.reset();
    place.polling = false;
    place.stop.request_stop();
    place.stop = std::stop_source();
    if (!place.pinned) place.database.clear();
  }
}

bool HotFeeds::hears(const std::string& database) {
  const std::lock_guard lock(mutex_);
  for (const Place& place : places_) {
    if (place.database == database) return place.polling && env_.mono_now() - place.polling_since > deaf_time;
  }
  return false;
}

void HotFeeds::work(std::size_t index) {
  while (true) {
    std::string database;
    std::string since;
    std::stop_token stop;
    {
      std::unique_lock lock(mutex_);
      Place& place = places_[index];
      while (!stopped_ && !place.since) changed_->wait_until(lock, env_.mono_now() + seconds(60));
      if (stopped_) return;
      database = place.database;
      since = *place.since;
      place.since.reset();
      place.polling = true;
      place.polling_since = env_.mono_now();
      stop = place.stop.get_token();
    }
    poll(index, database, since, stop);
  }
}

void HotFeeds::poll(std::size_t index, const std::string& database, const std::string& since,
                    const std::stop_token& stop) {
  Database::ChangesQuery query;
  query.limit = 1;
  query.include_docs = false;
  query.long_poll = poll_time;
  query.since = since;
  query.stop = stop;
  MonoTime again = env_.mono_now();
  bool quiet = false;
  try {
    const Changes changes = Database(server_, database).changes(query);
    quiet = changes.rows.empty();
    if (quiet) query.since = changes.last_seq;
  } catch (const std::exception& down) {  // Unavailable or Refused: a turn finds out what it is
    if (!stop.stop_requested()) {
      log_.debug("long-poll of " + database + " ended: " + down.what());
      again += backoff(2, env_.random_unit());
    }
  }
  const std::lock_guard lock(mutex_);
  Place& place = places_[index];
  if (place.database != database) return;  // it was given to another database meanwhile
  place.polling = false;
  if (quiet) {
    place.since = query.since;
  } else if (!stopped_) {
    schedule_.mark_at(database, again, Cause::rows);
  }
}

}  // namespace channels
