#include "programs/claims.h"

#include <algorithm>

namespace channels {

std::optional<std::string> Claims::holder(const Claim& wanted) const {
  for (const Claim& claim : claims_) {
    const bool same = claim.type == wanted.type && claim.state == wanted.state;
    if (same && may_overlap(claim.databases, wanted.databases)) return "[channels_handlers] " + claim.owner + " has it";
  }
  for (const auto& [kind, names] : built_in_.databases) {
    const RuleTable* table = built_in_.rules.find(kind);
    if (table == nullptr || !may_overlap(names, wanted.databases)) continue;
    const Rule* rule = table->find(wanted.type, wanted.state);
    if (rule == nullptr || built_in_.is_extension_point(kind, wanted.type, wanted.state)) continue;
    return "the built-in rule " + rule->name + " of " + names.front() + " has it, and is no extension point";
  }
  return std::nullopt;
}

std::optional<std::string> Claims::refusal(const std::string& owner, const Globs& databases,
                                           const std::vector<Registration>& wanted) {
  const std::size_t before = claims_.size();
  for (const Registration& registration : wanted) {
    Claim claim{owner, databases, registration.type, registration.state};
    if (const auto held_by = holder(claim)) {
      claims_.resize(before);
      return "it wants (" + escaped(claim.type) + ", " + escaped(claim.state) + "), but " + *held_by;
    }
    claims_.push_back(std::move(claim));
  }
  return std::nullopt;
}

}  // namespace channels
