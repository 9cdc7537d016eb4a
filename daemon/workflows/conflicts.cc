#include "workflows/conflicts.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

#include "workflows/channel_ends.h"
#include "workflows/device_documents.h"
#include "workflows/doorbell.h"
#include "workflows/extent.h"
#include "workflows/overruled.h"

namespace channels {

namespace {

// Validation allows a document of 64 kB together with the list of its revisions, which grows to 35
// kB: what is larger than this could become one that no device may edit any more.
constexpr std::size_t largest_result = 28000;
// Members of other leaves are taken over up to here, so that there is room for what was overruled.
constexpr std::size_t largest_united = 16000;
// Validation allows 20 levels; the document is one.
constexpr int deepest_member = 19;

// The winner first.
using Leaves = std::vector<const Document*>;

// --- members ----------------------------------------------------------------------------------

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What design_docs/control/validate_doc_update.js asks of this member in every document.
bool has_form(std::string_view key, const json::value& value) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 16> longest{{{"type", 64},
                                                                              {"state", 64},
                                                                              {"name", 200},
                                                                              {"owner", 254},
                                                                              {"channel", 64},
                                                                              {"to", 254},
                                                                              {"access", 16},
                                                                              {"from", 254},
                                                                              {"syncpoint", 2048},
                                                                              {"database", 238},
                                                                              {"user", 64},
                                                                              {"code", 64},
                                                                              {"group", 64},
                                                                              {"named", 200},
                                                                              {"shows", 16},
                                                                              {"username", 80}}};
  if (extent_of(value).levels > deepest_member) return false;
  const auto limit = std::find_if(longest.begin(), longest.end(),
                                  [&](const auto& entry) { return entry.first == key; });
  if (limit == longest.end()) return true;
  const json::string* text = value.if_string();
  return text != nullptr && javascript_length({text->data(), text->size()}) <= limit->second;
}

// The member as the first of these leaves has it in its right form; null if none does.
const json::value* first_with(const Leaves& leaves, std::string_view key) {
  for (const Document* leaf : leaves) {
    const json::value* value = leaf->if_contains(key);
    if (value != nullptr && has_form(key, *value)) return value;
  }
  return nullptr;
}

// As `from` has it, also if it hasn't.
void copy_member(const Document& from, Document& to, std::string_view key) {
  if (const json::value* value = from.if_contains(key)) {
    to[key] = *value;
  } else {
    to.erase(key);
  }
}

// --- what each type keeps of what the daemon owns ----------------------------------------------

struct TypeRules {
  std::string_view type;
  // The daemon's, or settled by keep(): the winner's or another's, but no person's loss. All others
  // are a person's.
  std::span<const std::string_view> owned;
  // The winner, with all that is `owned` settled.
  Document (*keep)(const Leaves& leaves);
  // The state is a person's too: is this one that he may choose?
  bool (*is_choice)(std::string_view state);
};

bool is_no_choice(std::string_view) {
  return false;
}

bool is_invitation_choice(std::string_view state) {
  return state == "accept" || state == "decline" || state == "withdraw";
}

// The leaf that leads, and where it lacks one of these members, the first other that has it.
Document led_by(const Document& leader, const Leaves& leaves,
                std::span<const std::string_view> members) {
  Leaves order{&leader};
  order.insert(order.end(), leaves.begin(), leaves.end());
  Document kept = *leaves.front();
  copy_member(leader, kept, "state");
  for (const std::string_view key : members) {
    if (const json::value* value = first_with(order, key)) kept[key] = *value;
  }
  return kept;
}

constexpr std::array<std::string_view, 11> owned_of_device{
    "type",      "state",      "wipe",  "user",       "username",   "created",
    "activated", "revoked_at", "error", "credential", "device_code"};

Document keep_device(const Leaves& leaves) {
  Document kept = *leaves.front();
  kept["type"] = "device";
  std::string state;
  bool wipe = false;
  for (const Document* leaf : leaves) {
    const std::string says = doc_state(*leaf);
    if (says != "revoke" && says != "revoked") continue;
    // `revoke` may not have been carried out to the end; to do it twice does no harm.
    if (state != "revoke") state = says;
    wipe = wipe || is_true(*leaf, "wipe");
  }
  if (state.empty()) return kept;
  kept["state"] = state;
  if (wipe || kept.contains("wipe")) kept["wipe"] = wipe;
  return kept;
}

constexpr std::array<std::string_view, 18> owned_of_channel{
    "type",   "state",   "owner",        "user",  "database", "syncpoint", "error",    "channel", "access",
    "members", "member_count", "shows",  "groups", "public",  "named_by",  "left",     "wipe",    "until"};

int progress_of(const Document& channel) {
  const std::string state = doc_state(channel);
  if (is_end_wish(state)) return 4;
  if (state == "ready" || state == "archived" || state == "deleted" || state == "removed") return 3;
  if (state == "new") return 2;
  return state == "error" ? 0 : 1;
}

// The first of those that are furthest.
const Document& furthest(const Leaves& leaves, int (*progress)(const Document&)) {
  return **std::max_element(leaves.begin(), leaves.end(), [&](const Document* left, const Document* right) {
    return progress(*left) < progress(*right);
  });
}

// A name that came too late is in the answer's error, and nowhere else. Somebody else's wish to delete the same channel takes nothing from that.
void keep_word_of_deletion(const Document& leader, const Leaves& leaves, Document& kept) {
  if (kept.contains("error") || (doc_state(leader) != "delete" && doc_state(leader) != "deleted")) return;
  const auto telling = std::find_if(leaves.begin(), leaves.end(), [](const Document* leaf) { return tells_error(*leaf, "deleted"); });
  if (telling != leaves.end()) copy_member(**telling, kept, "error");
}

Document keep_channel(const Leaves& leaves) {
  const Document& leader = furthest(leaves, progress_of);
  constexpr std::array<std::string_view, 4> members{"owner", "user", "database", "syncpoint"};
  Document kept = led_by(leader, leaves, members);
  // They say why a channel is in the state that it is in.
  for (const std::string_view key : {"error", "channel", "access", "members", "member_count", "shows", "groups", "public",
                                     "named_by", "left", "wipe", "until"})
    copy_member(leader, kept, key);
  keep_word_of_deletion(leader, leaves, kept);
  return kept;
}

constexpr std::array<std::string_view, 10> owned_of_invitation{"type", "state", "from",    "to",   "channel", "shows",
                                                              "name", "access", "expires", "error"};

int progress_of_invitation(const Document& invitation) {
  const std::string state = doc_state(invitation);
  if (state == "error" || state == "new") return state == "new" ? 1 : 0;
  if (state == "sent" || state == "received") return 2;
  return is_invitation_choice(state) ? 3 : 4;
}

Document keep_invitation(const Leaves& leaves) {
  const Document& leader = furthest(leaves, progress_of_invitation);
  constexpr std::array<std::string_view, 7> members{"from", "to", "channel", "name", "access", "shows", "expires"};
  Document kept = led_by(leader, leaves, members);
  copy_member(leader, kept, "error");
  return kept;
}

constexpr std::array<std::string_view, 9> owned_of_member{"type",  "state",  "channel", "user", "shows",
                                                          "group", "access", "wipe",    "error"};

int progress_of_member(const Document& member) {
  const std::string state = doc_state(member);
  return state == "done" ? 2 : state == "error" ? 0 : 1;
}

// One wish, whole: that of a leaf is nothing without the channel, the user or the code that it is about.
Document keep_whole(const Leaves& leaves, int (*progress)(const Document&), std::span<const std::string_view> owned) {
  const Document& leader = furthest(leaves, progress);
  Document kept = *leaves.front();
  for (const std::string_view key : owned) copy_member(leader, kept, key);
  return kept;
}

Document keep_member(const Leaves& leaves) {
  return keep_whole(leaves, progress_of_member, owned_of_member);
}

constexpr std::array<std::string_view, 10> owned_of_group{"type",  "state", "access", "members", "member_count",
                                                          "shows", "named", "left",   "wipe",    "error"};

// All of one leaf, with the name that belongs to it.
Document keep_named(const Leaves& leaves, std::span<const std::string_view> owned) {
  const Document& leader = furthest(leaves, progress_of);
  Document kept = *leaves.front();
  for (const std::string_view key : owned) copy_member(leader, kept, key);
  // Beside another leaf's `named` an old name would look like a person's new one.
  if (string_or(*leaves.front(), "named", "") != string_or(leader, "named", "")) copy_member(leader, kept, "name");
  return kept;
}

Document keep_group(const Leaves& leaves) {
  return keep_named(leaves, owned_of_group);
}

constexpr std::array<std::string_view, 4> owned_of_profile{"type", "state", "named", "error"};

Document keep_profile(const Leaves& leaves) {
  return keep_named(leaves, owned_of_profile);
}

constexpr std::array<std::string_view, 9> owned_of_link{"type", "state", "channel", "code", "access",
                                                        "uses", "days",  "expires", "error"};

int progress_of_link(const Document& link) {
  const std::string state = doc_state(link);
  if (state == "error" || state == "new") return state == "new" ? 1 : 0;
  return state == "open" ? 2 : state == "close" ? 3 : 4;
}

Document keep_link(const Leaves& leaves) {
  return keep_whole(leaves, progress_of_link, owned_of_link);
}

constexpr std::array<std::string_view, 5> owned_of_join{"type", "state", "channel", "code", "error"};

int progress_of_join(const Document& join) {
  const std::string state = doc_state(join);
  return state == "joined" ? 2 : state == "error" ? 0 : 1;
}

Document keep_join(const Leaves& leaves) {
  return keep_whole(leaves, progress_of_join, owned_of_join);
}

constexpr std::array<std::string_view, 6> owned_of_subscription{"type",      "state", "channel",
                                                                "syncpoint", "user",  "error"};

bool is_subscription_choice(std::string_view state) {
  return state == "active" || state == "paused" || state == "stopped";
}

Document keep_subscription(const Leaves& leaves) {
  const auto chosen = std::find_if(leaves.begin(), leaves.end(), [](const Document* leaf) {
    return is_subscription_choice(doc_state(*leaf));
  });
  const Document& leader = chosen == leaves.end() ? *leaves.front() : **chosen;
  constexpr std::array<std::string_view, 3> members{"channel", "syncpoint", "user"};
  Document kept = led_by(leader, leaves, members);
  copy_member(leader, kept, "error");
  return kept;
}

constexpr std::array<TypeRules, 9> types{
    {{"device", owned_of_device, keep_device, is_no_choice},
     {"channel", owned_of_channel, keep_channel, is_end_wish},
     {"subscription", owned_of_subscription, keep_subscription, is_subscription_choice},
     {"invitation", owned_of_invitation, keep_invitation, is_invitation_choice},
     {"member", owned_of_member, keep_member, is_no_choice},
     {"group", owned_of_group, keep_group, is_no_choice},
     {"profile", owned_of_profile, keep_profile, is_no_choice},
     {"link", owned_of_link, keep_link, is_no_choice},
     {"join", owned_of_join, keep_join, is_no_choice}}};

const TypeRules* rules_of(const Leaves& leaves) {
  const auto has_type = [](std::string_view type) {
    return [type](const Document* leaf) { return doc_type(*leaf) == type; };
  };
  // A device's document stays one, whatever a leaf pretends: else a stolen device could hide its
  // own from `revoke`.
  if (is_device_id(doc_id(*leaves.front())) &&
      std::any_of(leaves.begin(), leaves.end(), has_type("device")))
    return &types[0];
  for (const TypeRules& rules : types) {
    if (std::all_of(leaves.begin(), leaves.end(), has_type(rules.type))) return &rules;
  }
  return nullptr;
}

// --- what a person owns ------------------------------------------------------------------------

bool is_persons(const TypeRules& rules, std::string_view key) {
  return !key.starts_with('_') && key != "overruled" && !contains(rules.owned, key);
}

// The first leaf's that has the member decides.
void unite(const TypeRules& rules, const Leaves& leaves, Document& kept) {
  std::size_t size = size_without(kept, "overruled");
  for (const Document* leaf : leaves) {
    for (const auto& [key, value] : *leaf) {
      if (!is_persons(rules, key) || !has_form(key, value)) continue;
      const json::value* there = kept.if_contains(key);
      if (there != nullptr && has_form(key, *there)) continue;
      const std::size_t more = size_of_member(key, value);
      if (size + more > largest_united) continue;
      size += more;
      kept[key] = value;
    }
  }
}

// --- what was overruled -----------------------------------------------------------------------

void write_overruled(const TypeRules& rules, const Leaves& leaves, Document& kept) {
  Overruled overruled;
  for (const Document* leaf : leaves) overruled.add_entries(*leaf);
  for (const Document* leaf : leaves) {
    for (const auto& [key, value] : *leaf) {
      const bool counts =
          key == "state" ? rules.is_choice(doc_state(*leaf)) : is_persons(rules, key);
      const json::value* there = kept.if_contains(key);
      if (counts && (there == nullptr || *there != value))
        overruled.add(doc_rev(*leaf), key, value);
    }
  }
  json::array list = overruled.list();
  if (list.empty()) {
    kept.erase("overruled");
  } else {
    kept["overruled"] = std::move(list);
  }
}

// CouchDB's: what the caller's order was doesn't matter.
Leaves in_order(const std::vector<Document>& leaves) {
  Leaves order;
  for (const Document& leaf : leaves) order.push_back(&leaf);
  std::sort(order.begin(), order.end(), [](const Document* left, const Document* right) {
    const std::string left_rev = doc_rev(*left);
    const std::string right_rev = doc_rev(*right);
    return std::pair(parse_rev(left_rev), left_rev) > std::pair(parse_rev(right_rev), right_rev);
  });
  return order;
}

}  // namespace

std::optional<Document> resolve_control_conflict(const std::vector<Document>& leaves) {
  if (leaves.size() < 2) return std::nullopt;
  const Leaves order = in_order(leaves);
  const TypeRules* rules = rules_of(order);
  if (rules == nullptr) return united_doorbell(order);
  Document kept = rules->keep(order);
  unite(*rules, order, kept);
  write_overruled(*rules, order, kept);
  const std::size_t size = size_without(kept, "");
  if (size > largest_result && size > size_without(*order.front(), "")) return std::nullopt;
  return kept;
}

}  // namespace channels
