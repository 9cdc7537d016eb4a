#include "workflows/channel_claims.h"

#include "base/digest.h"

namespace channels {

namespace {

constexpr std::string_view record_prefix = "channel-";

std::string name_record_id(const ChannelWish& wish) {
  return "channelname-" + sha256_hex(wish.user + "\n" + wish.name);
}

}  // namespace

std::string channel_record_id(std::string_view channel_id) {
  return std::string(record_prefix) + std::string(channel_id);
}

std::string channel_id_of(const Document& channel_record) {
  return doc_id(channel_record).substr(record_prefix.size());
}

Document claim_channel(Services& services, const ChannelWish& wish) {
  return services.registry.claim({{"_id", channel_record_id(wish.id)},
                                  {"type", "channel"},
                                  {"state", "claimed"},
                                  {"user", wish.user},
                                  {"name", wish.name},
                                  {"created", format_time(services.env.wall_now())}});
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
  const Document claim = services.registry.claim(
      {{"_id", name_record_id(wish)}, {"type", "channelname"}, {"channel", wish.id}, {"user", wish.user}});
  return string_or(claim, "channel", "");
}

void release_channel_name(Services& services, const ChannelWish& wish) {
  const auto claim = services.registry.get(name_record_id(wish));
  if (claim && string_or(*claim, "channel", "") == wish.id)
    services.registry.remove(doc_id(*claim));
}

}  // namespace channels
