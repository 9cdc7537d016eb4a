#include "workflows/link.h"

#include <optional>

#include "workflows/arrival.h"
#include "workflows/audit.h"
#include "workflows/channel_claims.h"
#include "workflows/fault.h"
#include "workflows/link_record.h"
#include "workflows/members.h"

namespace channels {

namespace {

constexpr std::int64_t usual_uses = 10;
constexpr std::int64_t most_uses = 1000;
constexpr std::int64_t usual_days = 7;
constexpr std::int64_t most_days = 365;

// A document, read.
struct LinkWish {
  std::string channel;
  std::string code;
  std::string access;
  std::int64_t uses = 0;
  std::int64_t days = 0;
};

LinkWish read_link(const Document& doc) {
  // What is there and is no number is no limit that could be kept.
  const auto limit = [&](const char* key, std::int64_t usual) { return doc.contains(key) ? int_or(doc, key, 0) : usual; };
  return {string_or(doc, "channel", ""), string_or(doc, "code", ""), string_or(doc, "access", ""),
          limit("uses", usual_uses), limit("days", usual_days)};
}

bool is_within(std::int64_t value, std::int64_t most) {
  return value >= 1 && value <= most;
}

std::optional<Fault> fault_of_link(Services& services, const LinkWish& wish, const std::string& user) {
  if (wish.access != access_writer && wish.access != access_reader)
    return Fault{"bad_access", "The access of a link is \"writer\" or \"reader\": owners are invited or made by owners."};
  if (!is_link_code(wish.code)) return Fault{"bad_code", "The code of a link is 32 random digits of 0-9 and a-f."};
  if (!is_within(wish.uses, most_uses) || !is_within(wish.days, most_days))
    return Fault{"bad_limits", "A link has 1 to 1000 \"uses\", and ends after 1 to 365 \"days\"."};
  const auto channel = services.registry.get(channel_record_id(wish.channel));
  if (!channel || doc_state(*channel) != "ready" || access_of(*channel, user) != access_owner)
    return Fault{"no_owner", "Only an owner of a channel makes links to it."};
  return std::nullopt;
}

Document claim_link(Services& services, const LinkWish& wish, const Document& doc, const std::string& user) {
  const WallTime now = services.env.wall_now();
  Document record{{"_id", link_record_id(wish.channel, wish.code)},
                  {"type", "link"},
                  {"state", "open"},
                  {"user", user},
                  {"document", doc_id(doc)},
                  {"channel", wish.channel},
                  {"access", wish.access},
                  {"uses", wish.uses},
                  {"created", format_time(now)},
                  {"expires", format_time(now + std::chrono::days(wish.days))}};
  note_link(record, "made", user, now);
  return services.registry.claim(record);
}

bool is_made_by(const Document& record, const Document& doc, const std::string& user) {
  return string_or(record, "user", "") == user && string_or(record, "document", "") == doc_id(doc);
}

bool has_ended(std::string_view state) {
  return state == "used" || state == "closed" || state == "expired" || state == "error";
}

// The record after what this document wishes, and after what time did to it.
Document settled_record(Services& services, const Document& doc, const Document& record) {
  const bool is_past = is_link_past(record, services.env.wall_now());
  if (!is_past && doc_state(doc) != "close") return record;
  return services.registry.update(record, [&](Document& current) {
    if (doc_state(current) != "open") return false;
    current["state"] = is_past ? "expired" : "closed";
    note_link(current, doc_state(current), is_past ? std::string(by_daemon) : string_or(current, "user", ""), services.env.wall_now());
    return true;
  });
}

Outcome show_record(const Document& record, const Document& doc) {
  Document copy = makers_copy(record, doc);
  if (!same_content(copy, doc)) return Save{std::move(copy)};
  const auto expires = parse_time(string_or(record, "expires", ""));
  if (doc_state(record) == "open" && expires) return Later{*expires};
  return Keep{};
}

}  // namespace

Outcome open_link(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  const LinkWish wish = read_link(doc);
  if (const auto known = services.registry.get(link_record_id(wish.channel, wish.code));
      known && is_made_by(*known, doc, user))
    return show_record(settled_record(services, doc, *known), doc);
  if (auto later = wait_for_channel(run, wish.channel, services.registry.get(channel_record_id(wish.channel)))) return std::move(*later);
  if (const auto fault = fault_of_link(services, wish, user)) return Save{in_error(doc, fault->error, fault->reason)};
  const Document record = claim_link(services, wish, doc, user);
  if (is_made_by(record, doc, user)) return show_record(record, doc);
  return Save{in_error(doc, "code_taken", "There is a link with this code already. Make one with another code.")};
}

Outcome settle_link(Services& services, Run& run, const Document& doc) {
  const std::string user = services.user_of(run.database);
  const LinkWish wish = read_link(doc);
  const auto record = services.registry.get(link_record_id(wish.channel, wish.code));
  if (record && is_made_by(*record, doc, user)) return show_record(settled_record(services, doc, *record), doc);
  if (has_ended(doc_state(doc))) return Keep{};  // refused, or forgotten long after its end
  if (doc_state(doc) == "close" && !record) return Save{in_state(doc, "closed")};  // before it came here
  return Save{in_error(doc, "unknown_link", "There is no such link: one begins with the state \"new\".")};
}

}  // namespace channels
