#include "engine/unsettled.h"

#include <algorithm>

#include "base/check.h"

namespace channels {

void Unsettled::add_row(Change change) {
  const Checkpoint::Ticket ticket = checkpoint_.add(std::move(change.seq));
  Item& item = items_[change.id];
  item.id = change.id;
  item.tickets.push_back(ticket);
  if (item.step == Item::Step::running || item.step == Item::Step::finished) {
    item.changed_meanwhile = true;
    return;
  }
  item.step = Item::Step::ready;
  item.doc = std::move(change.doc);
  item.deleted = change.deleted;
  item.has_branches = change.revs.size() > 1;
}

void Unsettled::add_revisit(const std::string& id) {
  Item& item = items_[id];
  item.is_revisit = true;
  if (!item.id.empty()) return;  // it is under way already
  item.id = id;
  item.step = Item::Step::waiting;
  item.look_at = MonoTime::min();
}

std::vector<std::string> Unsettled::wake(MonoTime now) {
  std::vector<std::string> ids;
  for (auto& [id, item] : items_) {
    if (item.step == Item::Step::waiting && item.look_at <= now) {
      item.step = Item::Step::ready;
      item.has_branches = true;  // it may have by now
      ids.push_back(id);
    }
  }
  return ids;
}

bool Unsettled::has_waiting_for_runner() const {
  return std::any_of(items_.begin(), items_.end(), [](const auto& entry) {
    return entry.second.step == Item::Step::waiting && entry.second.look_at == MonoTime::max();
  });
}

void Unsettled::wake_for_runner(std::size_t most) {
  for (auto& [id, item] : items_) {
    if (most == 0) return;
    if (item.step != Item::Step::waiting || item.look_at != MonoTime::max()) continue;
    item.look_at = MonoTime::min();
    --most;
  }
}

std::vector<Item*> Unsettled::in_step(Item::Step step) {
  std::vector<Item*> found;
  for (auto& [id, item] : items_) {
    if (item.step == step) found.push_back(&item);
  }
  return found;
}

Item* Unsettled::find(const std::string& id) {
  const auto found = items_.find(id);
  return found == items_.end() ? nullptr : &found->second;
}

void Unsettled::settle(Item& item) {
  check(item.step != Item::Step::running, "a running document was settled");
  for (const Checkpoint::Ticket ticket : item.tickets) checkpoint_.settle(ticket);
  items_.erase(item.id);
}

void Unsettled::wait(Item& item, MonoTime until) {
  item.step = Item::Step::waiting;
  item.look_at = until;
  item.doc.clear();
  item.changed_meanwhile = false;  // it will be read anew
  item.outcome.reset();
  item.lease.reset();
}

int Unsettled::count_attempt(Item& item, const std::string& rev) {
  if (item.attempt_rev != rev) {
    item.attempt_rev = rev;
    item.attempts = 0;
  }
  return ++item.attempts;
}

std::optional<MonoTime> Unsettled::next_look() const {
  std::optional<MonoTime> next;
  for (const auto& [id, item] : items_) {
    // One without a time of its own waits for a free runner, which wakes it.
    if (item.step == Item::Step::waiting && item.look_at != MonoTime::max() &&
        (!next || item.look_at < *next))
      next = item.look_at;
    if (item.step == Item::Step::ready || item.step == Item::Step::finished)
      next = MonoTime::min();
  }
  return next;
}

}  // namespace channels
