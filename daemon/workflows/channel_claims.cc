#include "workflows/channel_claims.h"

#include "base/digest.h"
#include "workflows/channel_ends.h"
#include "workflows/groups.h"

namespace channels {

namespace {

constexpr std::string_view record_prefix = "channel-";

std::string name_record_id(const ChannelWish& wish) {
  return "channelname-" + sha256_hex(wish.user + "\n" + wish.name);
}

Document id_claim(Services& services, const ChannelWish& wish, std::string_view state) {
  return {{"_id", channel_record_id(wish.id)},
          {"type", "channel"},
          {"state", state},
          {"user", wish.user},
          {"name", wish.name},
          {"created", format_time(services.env.wall_now())}};
}

Document name_claim(const ChannelWish& wish) {
  return {{"_id", name_record_id(wish)}, {"type", "channelname"}, {"channel", wish.id}, {"user", wish.user}};
}

// Of the record that has this id.
bool may_have_name(const std::optional<Document>& record, const std::string& user) {
  return record && !is_group(*record) && !is_ended(*record) && string_or(*record, "user", "") == user;
}

}  // namespace

std::string channel_record_id(std::string_view channel_id) {
  return std::string(record_prefix) + std::string(channel_id);
}

std::string channel_id_of(const Document& channel_record) {
  return doc_id(channel_record).substr(record_prefix.size());
}

Document claim_channel(Services& services, const ChannelWish& wish) {
  return services.registry.claim(id_claim(services, wish, "claimed"));
}

std::optional<Document> claim_channel_at_once(Services& services, const ChannelWish& wish) {
  std::vector<Document> claims{id_claim(services, wish, "making"), name_claim(wish)};
  claims.front()["at_once"] = true;
  const std::vector<bool> won = services.registry.claim_all(claims);
  if (won.front() && won.back()) return std::move(claims.front());
  if (won.back() && !may_have_name(services.registry.get(channel_record_id(wish.id)), wish.user))
    release_channel_name(services, wish);
  return std::nullopt;
}

bool is_claimed_at_once(const Document& channel_record) {
  return is_true(channel_record, "at_once");
}

void release_channel(Services& services, const ChannelWish& wish) {
  const bool is_begun = Database(services.server, services.channel_database(wish.id)).exists();
  const Document record = services.registry.update(channel_record_id(wish.id), [&](Document& current) {
    const bool is_unmade = doc_state(current) == "claimed" || (is_claimed_at_once(current) && !is_begun);
    if (!is_unmade || string_or(current, "user", "") != wish.user) return false;
    current["_deleted"] = true;
    return true;
  });
  if (is_deleted(record)) release_channel_name(services, wish);
}

std::string claim_channel_name(Services& services, const ChannelWish& wish) {
  return string_or(services.registry.claim(name_claim(wish)), "channel", "");
}

void release_channel_name(Services& services, const ChannelWish& wish) {
  const auto claim = services.registry.get(name_record_id(wish));
  if (claim && string_or(*claim, "channel", "") == wish.id)
    services.registry.remove(doc_id(*claim));
}

}  // namespace channels
