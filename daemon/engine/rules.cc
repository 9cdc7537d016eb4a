#include "engine/rules.h"

#include <algorithm>

#include "base/check.h"

namespace channels {

RuleTable& RuleTable::add(Mode mode, std::string_view type, std::string_view state, Handler handler,
                          RuleOptions options) {
  return add(type, state, {std::string(type) + "/" + std::string(state), mode, std::move(handler), options});
}

RuleTable& RuleTable::add(std::string_view type, std::string_view state, Rule rule) {
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
  check(!options.per_document || options.on_lost == OnLost::retry, "a rule per document must retry lost runs");
  return add(Mode::unsafe, type, state, std::move(handler), options);
}

RuleTable& RuleTable::elsewhere(Mode mode, std::string_view type, std::string_view state, std::string_view owner,
                                std::shared_ptr<Elsewhere> place, RuleOptions options) {
  const std::string name = std::string(owner) + " " + std::string(type) + "/" + std::string(state);
  return add(type, state, {name, mode, {}, options, std::move(place)});
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

void RuleTable::for_each(
    const std::function<void(const std::string& type, const std::string& state, const Rule& rule)>& tell) const {
  for (const auto& [pair, rule] : rules_) tell(pair.first, pair.second, rule);
}

const Rule* RuleTable::for_deleted() const {
  return deleted_ ? &*deleted_ : nullptr;
}

const Rule* RuleTable::for_design() const {
  return design_ ? &*design_ : nullptr;
}

RuleTable RuleTable::extended_by(const std::vector<const RuleTable*>& others) const {
  RuleTable all = *this;
  for (const RuleTable* other : others) {
    for (const auto& [pair, rule] : other->rules_) {
      const Rule* own = find(pair.first, pair.second);
      Rule entry = own != nullptr ? *own : rule;
      if (own != nullptr) {
        check(own->mode == Mode::safe, "an unsafe rule has no extension");
        entry.extension = std::make_shared<Rule>(rule);
      }
      all.rules_.insert_or_assign(pair, std::move(entry));
    }
  }
  return all;
}

RuleTable& Rules::on(Globs databases) {
  by_name_.push_back(std::make_unique<ByName>(ByName{std::move(databases), {}}));
  return by_name_.back()->table;
}

const RuleTable* Rules::find(Kind kind, std::string_view database) const {
  std::vector<std::size_t> matching;
  std::vector<const RuleTable*> others;
  for (std::size_t i = 0; i < by_name_.size(); ++i) {
    if (!matches(by_name_[i]->databases, database)) continue;
    matching.push_back(i);
    others.push_back(&by_name_[i]->table);
  }
  const RuleTable* own = find(kind);
  // The handshake is anyone's to write: nothing there goes to code of an app's.
  if (others.empty() || kind == Kind::handshake) return own;
  const std::lock_guard lock(extended_->mutex);
  const auto [place, is_new] = extended_->tables.try_emplace({kind, std::move(matching)});
  if (is_new) place->second = (own != nullptr ? *own : RuleTable()).extended_by(others);
  return &place->second;
}

std::vector<std::shared_ptr<Elsewhere>> Rules::elsewheres() const {
  std::vector<std::shared_ptr<Elsewhere>> places;
  for (const auto& by_name : by_name_) {
    for (const auto& [pair, rule] : by_name->table.rules_) {
      if (rule.elsewhere && std::find(places.begin(), places.end(), rule.elsewhere) == places.end())
        places.push_back(rule.elsewhere);
    }
  }
  return places;
}

const RuleTable* Rules::find(Kind kind) const {
  const auto found = tables_.find(kind);
  return found == tables_.end() ? nullptr : &found->second;
}

}  // namespace channels
