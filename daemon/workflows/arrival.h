// Wishes that come together with the channel or group that they are about: a device that was offline sends all at once, and they are
// handled side by side. Called by the workflows of invitations, links and members.
#pragma once

#include <optional>
#include <string>

#include "engine/handler.h"

namespace channels {

// Later, while a channel or group with that id is in the wish's own database, and not made yet; `record`: what the registry has under the
// id. nullopt: it is made, or there is none. Reads where the record doesn't say it.
std::optional<Outcome> wait_for_channel(Run& run, const std::string& id, const std::optional<Document>& record);

}  // namespace channels
