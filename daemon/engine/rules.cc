#include "engine/rules.h"

#include "base/check.h"

namespace channels {

RuleTable& RuleTable::add(Mode mode, std::string_view type, std::string_view state, Handler handler,
                          RuleOptions options) {
  Rule rule{std::string(type) + "/" + std::string(state), mode, std::move(handler), options};
  const bool added =
      rules_.emplace(std::pair(std::string(type), std::string(state)), std::move(rule)).second;
  check(added, "two rules for the same type and state");
  return *this;
}

RuleTable& RuleTable::safe(std::string_view type, std::string_view state, Handler handler,
                           RuleOptions options) {
  return add(Mode::safe, type, state, std::move(handler), options);
}

RuleTable& RuleTable::unsafe(std::string_view type, std::string_view state, Handler handler,
                             RuleOptions options) {
  return add(Mode::unsafe, type, state, std::move(handler), options);
}

RuleTable& RuleTable::deleted(Handler handler) {
  check(!deleted_.has_value(), "two rules for deleted documents");
  deleted_ = Rule{"deleted", Mode::safe, std::move(handler), {}};
  return *this;
}

RuleTable& RuleTable::design(Handler handler) {
  check(!design_.has_value(), "two rules for design documents");
  design_ = Rule{"design document", Mode::safe, std::move(handler), {}};
  return *this;
}

RuleTable& RuleTable::conflicts(Resolver resolver) {
  check(!resolver_, "two resolvers of conflicts");
  resolver_ = std::move(resolver);
  return *this;
}

RuleTable& RuleTable::changed(OnChange hook) {
  check(!on_change_, "two hooks for changes");
  on_change_ = std::move(hook);
  return *this;
}

const Rule* RuleTable::find(std::string_view type, std::string_view state) const {
  for (const auto& [of_type, of_state] :
       {std::pair(type, state), std::pair(type, std::string_view("*")),
        std::pair(std::string_view("*"), state),
        std::pair(std::string_view("*"), std::string_view("*"))}) {
    const auto found = rules_.find(std::pair(std::string(of_type), std::string(of_state)));
    if (found != rules_.end()) return &found->second;
  }
  return nullptr;
}

const Rule* RuleTable::for_deleted() const {
  return deleted_ ? &*deleted_ : nullptr;
}

const Rule* RuleTable::for_design() const {
  return design_ ? &*design_ : nullptr;
}

const RuleTable* Rules::find(Kind kind) const {
  const auto found = tables_.find(kind);
  return found == tables_.end() ? nullptr : &found->second;
}

}  // namespace channels
