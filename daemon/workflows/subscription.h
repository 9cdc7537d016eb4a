// subscription documents in a control database: which channels the user's devices keep in sync.
#pragma once

#include <optional>
#include <string>

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

// {"_id": "<channel id>-sub-<user id>", "type": "subscription", "state": "active" | "paused" | "stopped",
// "channel", "syncpoint"}: the state is the person's; channel and syncpoint are put right. One for a
// channel whose member the user isn't becomes `error`, and keeps the choice as `before` until he is one. Safe.
Outcome mend_subscription(Services& services, Run& run, const Document& doc);

// What the user's subscription of a channel has to become, `found` being what is there; nullopt where nothing is to be saved.
// Pure. subscribed: active, unless a device chose otherwise before. unsubscribed: `error`, at which devices end the replication.
std::optional<Document> subscribed(const Services& services, const std::optional<Document>& found,
                                   const std::string& channel_id, const std::string& user);
std::optional<Document> unsubscribed(const std::optional<Document>& found);
// The same of a deleted channel: see suspend_subscription().
std::optional<Document> suspended(const std::optional<Document>& found);

// Makes the user's subscription of a channel, active, unless a device chose otherwise before.
void subscribe(Services& services, Database& control, const std::string& channel_id);
// The same where he has none and never had, or one that came before its channel. A run that was cut off can leave it so.
void subscribe_at_last(Services& services, Database& control, const std::string& channel_id);
// He is no member any longer: it becomes `error`, at which devices end the channel's replication.
void end_subscription(Services& services, Database& control, const std::string& channel_id);

// The channel is deleted, and may come back: it becomes `error` as well, and keeps the choice as `before`, which subscribe() brings back.
void suspend_subscription(Services& services, Database& control, const std::string& channel_id);

// "<channel id>-sub-<user id>"
std::string subscription_id(std::string_view channel_id, std::string_view user);

}  // namespace channels
