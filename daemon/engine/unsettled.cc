#include "engine/unsettled.h"

#include <algorithm>

#include "base/check.h"

namespace channels {

void Unsettled::add_row(Change change) {
  const Checkpoint::Ticket ticket = checkpoint_.add(std::move(change.seq));
  Item& item = items_[change.id];
  item.id = change.id;
  item.tickets.push_back(ticket);
  item.may_conflict = change.revs.size() > 1;
  if (item.step == Item::Step::running || item.step == Item::Step::finished) {
    item.changed_meanwhile = true;
    return;
  }
  item.step = Item::Step::ready;
  item.kept = false;
  item.doc = std::move(change.doc);
  item.deleted = change.deleted;
  item.has_branches = item.may_conflict;
}

void Unsettled::pass_row(std::string seq) {
  checkpoint_.settle(checkpoint_.add(std::move(seq)));
}

void Unsettled::add_revisit(const Revisit& revisit) {
  Item& item = items_[revisit.id];
  item.revisit = revisit;
  const bool same_rev = revisit.attempts.rev == item.attempts.rev;
  if (item.attempts.count == 0 || (same_rev && revisit.attempts.count > item.attempts.count))
    item.attempts = revisit.attempts;
  if (!item.id.empty()) return;  // it is under way already
  item.id = revisit.id;
  item.step = Item::Step::waiting;
  item.look_at = MonoTime::min();
}

void Unsettled::start_at(std::string seq) {
  for (auto& [id, item] : items_) item.tickets.clear();
  checkpoint_.start_at(std::move(seq));
}

std::vector<std::string> Unsettled::wake(MonoTime now, std::size_t most) {
  std::vector<std::string> ids;
  for (auto& [id, item] : items_) {
    if (ids.size() == most) break;
    if (item.step == Item::Step::waiting && item.look_at <= now) {
      item.step = Item::Step::ready;
      item.has_branches = true;  // it may have by now
      ids.push_back(id);
    }
  }
  return ids;
}

Item* Unsettled::first_queued(Lane lane) {
  std::deque<std::string>& queue = queues_[lane];
  while (!queue.empty()) {
    Item* item = find(queue.front());
    if (item != nullptr && item->step == Item::Step::queued && item->lane == lane) return item;
    queue.pop_front();
  }
  return nullptr;
}

bool Unsettled::has_queued(Lane lane) {
  return first_queued(lane) != nullptr;
}

void Unsettled::wake_queued(Lane lane, std::size_t most) {
  for (; most > 0; --most) {
    Item* item = first_queued(lane);
    if (item == nullptr) return;
    queues_[lane].pop_front();
    item->step = Item::Step::waiting;
    item->look_at = MonoTime::min();
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
  put_down(item);
}

void Unsettled::finish(Item& item) {
  item.step = Item::Step::finished;
  item.look_at = MonoTime::min();
}

void Unsettled::save_again(Item& item, MonoTime when) {
  check(item.step == Item::Step::finished, "a result that is not there is to be saved again");
  item.look_at = when;
}

void Unsettled::queue(Item& item, Lane lane) {
  item.step = Item::Step::queued;
  item.lane = lane;
  queues_[lane].push_back(item.id);
  put_down(item);
}

void Unsettled::put_down(Item& item) {
  item.doc.clear();
  item.kept = false;
  item.changed_meanwhile = false;  // it will be read anew
  item.outcome.reset();
  item.lease.reset();
}

std::map<std::string, int> Unsettled::backlog() const {
  std::map<std::string, int> counts;
  for (const auto& [id, item] : items_) ++counts[item.rule == nullptr ? "" : item.rule->name];
  return counts;
}

std::optional<MonoTime> Unsettled::next_look() const {
  std::optional<MonoTime> next;
  for (const auto& [id, item] : items_) {
    const bool has_time = item.step == Item::Step::waiting || item.step == Item::Step::finished;
    if (has_time && (!next || item.look_at < *next)) next = item.look_at;
    if (item.step == Item::Step::ready) next = MonoTime::min();
  }
  return next;
}

}  // namespace channels
