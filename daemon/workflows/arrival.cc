#include "workflows/arrival.h"

#include "provision/channel_id.h"

namespace channels {

namespace {

constexpr seconds arrival_wait{2};

bool is_about_to_be_made(const Document& doc) {
  return (doc_type(doc) == "channel" || doc_type(doc) == "group") && (doc_state(doc) == "new" || doc_state(doc) == "ready");
}

}  // namespace

std::optional<Outcome> wait_for_channel(Run& run, const std::string& id, const std::optional<Document>& record) {
  const bool is_being_made = !record || doc_state(*record) == "claimed" || doc_state(*record) == "making";
  if (!is_channel_id(id) || !is_being_made) return std::nullopt;
  const auto doc = run.database.get(id);
  if (!doc || !is_about_to_be_made(*doc)) return std::nullopt;
  return Later{run.env.wall_now() + arrival_wait};
}

}  // namespace channels
