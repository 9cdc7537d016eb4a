#include "workflows/arrival.h"

#include "provision/channel_id.h"

namespace channels {

namespace {

constexpr seconds making_wait{2};
// With the engine's growing delays a quarter of a minute. Fewer, and what comes with a replication's next batch is too late on a slow
// line; more, and a person who mistook an id or a link waits for his error.
constexpr int most_looks = 5;

bool is_about_to_be_made(const Document& doc) {
  return (doc_type(doc) == "channel" || doc_type(doc) == "group") && (doc_state(doc) == "new" || doc_state(doc) == "ready");
}

Outcome after_making(const Run& run) {
  return Later{run.env.wall_now() + making_wait};
}

}  // namespace

std::optional<Outcome> wait_for_making(Run& run, const std::string& id) {
  const auto doc = run.database.get(id);
  if (!doc || !is_about_to_be_made(*doc)) return std::nullopt;
  return after_making(run);
}

std::optional<Outcome> wait_for_arrival(const Run& run, const std::string& what) {
  if (run.attempt >= most_looks) return std::nullopt;
  return Failed{what + " is not here yet", std::nullopt};
}

std::optional<Outcome> wait_for_channel(Run& run, const std::string& id, const std::optional<Document>& record) {
  const bool is_being_made = !record || doc_state(*record) == "claimed" || doc_state(*record) == "making";
  if (!is_channel_id(id) || !is_being_made) return std::nullopt;
  const auto doc = run.database.get(id);
  if (!doc) return wait_for_arrival(run, "its channel or group");
  if (!is_about_to_be_made(*doc)) return std::nullopt;
  return after_making(run);
}

}  // namespace channels
