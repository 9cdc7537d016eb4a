// Who handles which pair of type and state in which databases: two that want the same are found before either runs.
// Pure; used by Programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/rules.h"
#include "programs/messages.h"

namespace channels {

// The rules that are in the program itself.
struct BuiltInRules {
  const Rules& rules;
  // The databases of a kind, by their names; those of a kind that is not here are no program's (the handshake).
  std::vector<std::pair<Kind, Globs>> databases;
  // May a program have that pair's documents after the built-in rule has done with them?
  std::function<bool(Kind kind, std::string_view type, std::string_view state)> is_extension_point;
};

class Claims {
 public:
  explicit Claims(BuiltInRules built_in) : built_in_(std::move(built_in)) {}

  // Takes all of them for `owner`, or none: then one line that says why.
  std::optional<std::string> refusal(const std::string& owner, const Globs& databases,
                                     const std::vector<Registration>& wanted);

 private:
  struct Claim {
    std::string owner;
    Globs databases;
    std::string type;
    std::string state;
  };

  std::optional<std::string> holder(const Claim& wanted) const;

  const BuiltInRules built_in_;
  std::vector<Claim> claims_;
};

}  // namespace channels
