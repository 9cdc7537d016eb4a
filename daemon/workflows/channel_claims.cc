#include "workflows/channel_claims.h"

#include "base/digest.h"
#include "base/errors.h"
#include "workflows/channel_ends.h"
#include "workflows/members.h"
#include "workflows/reach.h"

namespace channels {

namespace {

constexpr std::string_view record_prefix = "channel-";
// Others of the same user are at the same name: each try is one of theirs that came to its end.
constexpr int most_name_tries = 10;

std::string name_record_id(const ChannelWish& wish) {
  return "channelname-" + sha256_hex(wish.user + "\n" + wish.name);
}

bool has_name(const Document& channel_record, const ChannelWish& wish) {
  return !is_ended(channel_record) && string_or(channel_record, "name", "") == wish.name &&
         namer_of(channel_record) == wish.user;
}

// A rename is not at its end: copies and description may still say this name.
bool had_name_just_now(const Document& channel_record, const ChannelWish& wish) {
  return !is_ended(channel_record) && string_or(channel_record, "renaming", "") == wish.name &&
         string_or(channel_record, "renaming_of", "") == wish.user;
}

// What holds the claim is no channel of his: he may give the name to another one.
bool is_left_over(Services& services, const Document& holder, const ChannelWish& wish) {
  if (!has_name(holder, wish) && !had_name_just_now(holder, wish)) return true;
  return doc_state(holder) == "ready" && !Reach(services).has(holder, wish.user);
}

// False: somebody else has written it since.
bool write_as_it_is(Services& services, const Document& known) {
  return update_unless_changed(services.registry, known, [](Document&) { return true; }).has_value();
}

// `channel_record` was read after the claim, and is written as it is: whoever is about to want the name again finds it changed.
bool remove_name_claim(Services& services, const Document& claim, const std::optional<Document>& channel_record) {
  if (channel_record && !write_as_it_is(services, *channel_record)) return false;
  return services.registry.database().save({{"_id", doc_id(claim)}, {"_rev", doc_rev(claim)}, {"_deleted", true}}).ok();
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

std::optional<Document> update_unless_changed(Registry& registry, const Document& known,
                                              const std::function<bool(Document&)>& change) {
  bool is_changed = false;
  Document doc = registry.update(known, [&](Document& current) {
    is_changed = doc_rev(current) != doc_rev(known);
    return !is_changed && change(current);
  });
  if (is_changed) return std::nullopt;
  return doc;
}

std::string claim_channel_name(Services& services, const ChannelWish& wish) {
  const std::string run = hex(services.env.random_bytes(8));
  const Document wanted{{"_id", name_record_id(wish)},
                        {"type", "channelname"},
                        {"channel", wish.id},
                        {"user", wish.user},
                        {"run", run}};
  for (int tries = 0; tries < most_name_tries; ++tries) {
    const Document claim = services.registry.claim(wanted);
    const std::string holder = string_or(claim, "channel", "");
    if (holder == wish.id) {
      // An older one is renewed: no run that read it before removes it then.
      if (string_or(claim, "run", "") == run || write_as_it_is(services, claim)) return holder;
      continue;
    }
    const auto record = services.registry.get(channel_record_id(holder));
    if (!record || !is_left_over(services, *record, wish)) return holder;
    remove_name_claim(services, claim, record);
  }
  throw Unavailable("a channel's name is claimed and given up at the same time");
}

void release_channel_name(Services& services, const ChannelWish& wish) {
  for (int tries = 0; tries < most_name_tries; ++tries) {
    const auto claim = services.registry.get(name_record_id(wish));
    if (!claim || string_or(*claim, "channel", "") != wish.id) return;
    const auto record = services.registry.get(channel_record_id(wish.id));
    if (record && has_name(*record, wish)) return;
    if (remove_name_claim(services, *claim, record)) return;
  }
  throw Unavailable("a channel's name is claimed and given up at the same time");
}

}  // namespace channels
