#include "calls/why_reasons.h"

#include "base/log.h"

namespace channels {

namespace {

// A device gives a word an hour when all is quiet; one that is two hours old is no longer in
// contact.
constexpr std::chrono::hours contact_lasts{2};
// And at most one a minute: what changed in between is no delay.
constexpr seconds word_takes{120};

using Weight = Reason::Kind;

std::string quoted(const std::string& text) {
  return "\"" + escaped(text) + "\"";
}

std::string at(const json::object& from, std::string_view key) {
  const std::string time = string_or(from, key, "");
  return time.empty() ? "" : " " + escaped(time);
}

std::optional<seconds> age_of(const json::object& from, WallTime now) {
  const auto time = parse_time(string_or(from, "time", ""));
  if (!time) return std::nullopt;
  return std::chrono::duration_cast<seconds>(now - *time);
}

std::string count_of(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// --- the registration and its log-in ---

std::optional<Reason> ended(const DeviceFacts& facts) {
  const std::string& state = facts.state;
  const Document& record = facts.record;
  if (state == "active") return std::nullopt;
  if (state == "new")
    return Reason{Weight::trouble, "never_confirmed", "",
                  "It was never confirmed: its registration is there, but no mail has gone out yet "
                  "(couchdb-channels status)."};
  if (state == "confirming")
    return Reason{
        Weight::trouble, "never_confirmed", "",
        "It was never confirmed: the mail went out, and its person can type the code until" +
            at(record, "expires") + "."};
  if (state == "confirmed")
    return Reason{Weight::trouble, "not_active_yet", "",
                  "It is confirmed, but not active yet: the daemon is at it, or stuck "
                  "(couchdb-channels status)."};
  if (state == "expired")
    return Reason{Weight::trouble, "expired", "",
                  "It has expired: nobody confirmed it in time. It has to be registered anew."};
  if (state == "rejected")
    return Reason{Weight::trouble, "rejected", "",
                  "It was rejected: the reader of the mailbox said that it is not his."};
  if (state == "revoked")
    return Reason{Weight::trouble, "revoked", "",
                  "It was revoked" + at(record, "revoked_at") +
                      ": it has no log-in any longer, and has to be registered anew."};
  return Reason{Weight::trouble, "registration_failed", "",
                "Its registration failed: it is " + quoted(state) + "."};
}

void judge_log_in(const DeviceFacts& facts, std::vector<Reason>& reasons) {
  const std::string in_users = "_users (device-" + facts.id.substr(0, 8) + "...)";
  switch (facts.log_in) {
    case DeviceFacts::LogIn::missing:
      reasons.push_back(
          {Weight::trouble, "no_log_in", "",
           "It has no log-in: its document in " + in_users +
               " is gone, though nobody revoked it. Revoke it, and register it anew."});
      return;
    case DeviceFacts::LogIn::changed:
      reasons.push_back(
          {Weight::trouble, "wrong_secret", "",
           "Its secret is refused: its document in " + in_users +
               " has another verifier than the daemon set. Somebody wrote over it, or it comes "
               "from a backup. Revoke the device, and register it anew."});
      return;
    case DeviceFacts::LogIn::rehashed:
      reasons.push_back({Weight::note, "rehashed", "",
                         "CouchDB hashed its password anew when it logged in ([chttpd_auth] "
                         "upgrade_hash_on_auth): each log-in costs time."});
      break;
    case DeviceFacts::LogIn::same:
    case DeviceFacts::LogIn::unknown:
      break;
  }
  if (facts.rotating == "new")
    reasons.push_back({Weight::note, "rotating", "",
                       "It asked for another secret, which the daemon has not taken yet."});
  if (facts.rotating == "error")
    reasons.push_back({Weight::note, "rotation_failed", "",
                       "It asked for another secret and did not get it; the one before counts."});
  const std::int64_t used = facts.mark ? int_or(*facts.mark, "rotation", -1) : -1;
  if (facts.rotation > 0 && used >= 0 && used < facts.rotation)
    reasons.push_back(
        {Weight::trouble, "rotated_secret", "",
         "Its secret was changed" + (facts.rotated.empty() ? "" : " " + facts.rotated) +
             " (number " + std::to_string(facts.rotation) +
             "), and it was last heard of with number " + std::to_string(used) +
             ": if it does not know the new one, as after a backup put back, it is refused."});
  reasons.push_back({Weight::unknown, "refused_log_ins", "",
                     "Whether it uses the right secret: CouchDB keeps no record of refused "
                     "log-ins. Its log has them, as 401 for device-" +
                         facts.id + "."});
}

// --- contact ---

void judge_contact(const DeviceFacts& facts, WallTime now, std::vector<Reason>& reasons) {
  if (!facts.mark) {
    reasons.push_back(
        {Weight::unknown, "contact", "",
         "When it was here last, and what it has: it has left no word in " +
             facts.followed.front().database + ". It has not been here since it became active" +
             at(facts.record, "activated") +
             ", or its app leaves none (CouchDB does not note whose a checkpoint is)."});
    return;
  }
  const auto age = age_of(*facts.mark, now);
  const std::string time = at(*facts.mark, "time");
  if (!age) {
    reasons.push_back(
        {Weight::unknown, "contact", "", "When it was here last: its word has no time."});
  } else if (*age > contact_lasts) {
    reasons.push_back({Weight::trouble, "not_seen", "",
                       "It has not been seen since" + time + ", by its own clock."});
  } else {
    reasons.push_back(
        {Weight::note, "seen", "", "It was last heard of" + time + ", by its own clock."});
  }
}

// --- one database ---

std::string title(const FollowedFacts& followed) {
  if (followed.channel.empty()) return "The control database";
  return "Channel " + (followed.name.empty() ? followed.channel : quoted(followed.name));
}

std::optional<Reason> not_followed(const FollowedFacts& followed) {
  const auto trouble = [&](const char* reason, const std::string& rest) {
    return Reason{Weight::trouble, reason, followed.channel, title(followed) + " " + rest};
  };
  if (followed.made == "deleted")
    return Reason{Weight::note, "deleted", followed.channel, title(followed) + " is deleted. Its owners can bring it back for a time."};
  if (followed.made == "error")
    return trouble("channel_error", "could not be made: " + escaped(followed.made_reason));
  if (followed.made == "new")
    return trouble("not_ready",
                   "is not ready: the daemon has not made it yet (couchdb-channels status).");
  if (followed.subscription == "paused")
    return trouble("paused", "is paused, on all devices of this user. Any of them can resume it.");
  if (followed.subscription == "stopped")
    return trouble(
        "stopped",
        "is stopped, on all devices of this user. Any of them can make it active again.");
  if (followed.subscription == "error")
    return trouble("subscription_error", "is not followed: " + escaped(followed.made_reason));
  if (followed.subscription.empty()) return trouble("no_subscription", "has no subscription yet.");
  if (!followed.is_there)
    return trouble("missing", "has no database: " + followed.database + " is not there.");
  if (!followed.is_open)
    return trouble("not_open", "is closed to this device: _security of " + followed.database +
                                   " names no role of its log-in.");
  return std::nullopt;
}

void judge_writes(const FollowedFacts& followed, std::vector<Reason>& reasons) {
  if (const auto trouble = get_string(followed.mark, "trouble"))
    reasons.push_back({Weight::trouble, "trouble", followed.channel,
                       title(followed) + ": the device says: " + escaped(*trouble)});
  const json::object* denied = get_object(followed.mark, "denied");
  const std::int64_t count = denied == nullptr ? 0 : int_or(*denied, "count", 0);
  if (count > 0) {
    const std::string id = string_or(*denied, "id", "");
    reasons.push_back(
        {Weight::trouble, "writes_rejected", followed.channel,
         title(followed) + ": a validation refused " + count_of(count, "write") + " of the device" +
             (id.empty() ? ""
                         : ", the last" + at(*denied, "time") + ": " + quoted(id) + ", " +
                               quoted(string_or(*denied, "reason", ""))) +
             ". Replication does not send these again: the document has to be changed there."});
  }
  if (const std::int64_t waiting = int_or(followed.mark, "waiting", 0); waiting > 0)
    reasons.push_back(
        {Weight::trouble, "unsent", followed.channel,
         title(followed) + ": the device had " + count_of(waiting, "change") + " to send."});
}

void judge_behind(const DeviceFacts& facts, const FollowedFacts& followed, WallTime now,
                  std::vector<Reason>& reasons) {
  if (!facts.mark) return;
  if (followed.behind < 0) {
    const bool says_nothing = get_string(followed.mark, "pulled") == std::nullopt;
    reasons.push_back({Weight::unknown, "checkpoint", followed.channel,
                       title(followed) + ": how far the device is; " +
                           (says_nothing ? "it has not said so yet."
                                         : "CouchDB does not know the seq that it names.")});
    return;
  }
  if (followed.behind == 0) {
    reasons.push_back({Weight::note, "up_to_date", followed.channel,
                       title(followed) + ": the device has every change."});
    return;
  }
  const auto age = age_of(*facts.mark, now);
  const bool is_fresh = age && *age < word_takes;
  reasons.push_back({Weight::trouble, "behind", followed.channel,
                     title(followed) + ": the device is behind by " +
                         count_of(followed.behind, "change") + ", as of its last word" +
                         at(*facts.mark, "time") +
                         (is_fresh ? ". It gives one a minute: ask again." : ".")});
}

}  // namespace

std::vector<Reason> reasons_of(const DeviceFacts& facts, WallTime now) {
  if (const auto end = ended(facts)) return {*end};
  std::vector<Reason> reasons;
  judge_log_in(facts, reasons);
  judge_contact(facts, now, reasons);
  for (const FollowedFacts& followed : facts.followed) {
    if (followed.is_duplicate) {
      reasons.push_back({Weight::note, "duplicate", followed.channel,
                         title(followed) + " (" + followed.channel.substr(0, 8) +
                             "...) is a second one of its name: what was written in it on the "
                             "device that made it goes to the first."});
      continue;
    }
    if (const auto why = not_followed(followed)) {
      reasons.push_back(*why);
      continue;
    }
    judge_behind(facts, followed, now, reasons);
    judge_writes(followed, reasons);
  }
  return reasons;
}

}  // namespace channels
