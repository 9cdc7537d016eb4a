#include "workflows/channel_claims.h"

#include "base/digest.h"

namespace channels {

namespace {

std::string name_record_id(const ChannelWish& wish) {
  return "channelname-" + sha256_hex(wish.user + "\n" + wish.name);
}

}  // namespace

std::string channel_record_id(std::string_view channel_id) {
  return "channel-" + std::string(channel_id);
}

Document claim_channel(Services& services, const ChannelWish& wish) {
  const std::string id = channel_record_id(wish.id);
  if (auto found = services.registry.get(id)) return std::move(*found);
  return services.registry.claim({{"_id", id},
                                  {"type", "channel"},
                                  {"state", "claimed"},
                                  {"user", wish.user},
                                  {"name", wish.name},
                                  {"created", format_time(services.env.wall_now())}});
}

std::vector<std::string> members_of(const Document& channel_record) {
  const std::string owner = string_or(channel_record, "user", "");
  if (owner.empty()) return {};
  return {owner};
}

void release_channel(Services& services, const ChannelWish& wish) {
  const Document record = services.registry.update(channel_record_id(wish.id), [&](Document& current) {
    if (doc_state(current) != "claimed" || string_or(current, "user", "") != wish.user) return false;
    current["_deleted"] = true;
    return true;
  });
  if (is_deleted(record)) release_channel_name(services, wish);
}

std::string claim_channel_name(Services& services, const ChannelWish& wish) {
  const std::string id = name_record_id(wish);
  auto claim = services.registry.get(id);
  if (!claim) {
    claim = services.registry.claim(
        {{"_id", id}, {"type", "channelname"}, {"channel", wish.id}, {"user", wish.user}});
  }
  return string_or(*claim, "channel", "");
}

void release_channel_name(Services& services, const ChannelWish& wish) {
  const auto claim = services.registry.get(name_record_id(wish));
  if (claim && string_or(*claim, "channel", "") == wish.id)
    services.registry.remove(doc_id(*claim));
}

}  // namespace channels
