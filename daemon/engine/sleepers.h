// Which databases fell asleep last: the followers of those are kept, as most of what wakes did so lately. A follower costs
// about a kilobyte; a database without one costs two requests more when it wakes (its checkpoint, its mark), and one when
// it reads its own saves, which a new follower takes for another's. Used by Engine; pure.
#pragma once

#include <cstddef>
#include <iterator>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace channels {

class Sleepers {
 public:
  explicit Sleepers(std::size_t most = 5000) : most_(most) {}

  // It fell asleep, now. Gives the one that has slept the longest, if that is one too many.
  std::optional<std::string> put(const std::string& database) {
    if (const auto known = places_.find(database); known != places_.end()) {
      order_.splice(order_.end(), order_, known->second);
      return std::nullopt;
    }
    order_.push_back(database);
    places_.emplace(order_.back(), std::prev(order_.end()));
    if (order_.size() <= most_) return std::nullopt;
    places_.erase(order_.front());
    std::string longest = std::move(order_.front());
    order_.pop_front();
    return longest;
  }

 private:
  const std::size_t most_;
  std::list<std::string> order_;                                                    // the longest asleep first
  std::unordered_map<std::string_view, std::list<std::string>::iterator> places_;  // names are in order_
};

}  // namespace channels
