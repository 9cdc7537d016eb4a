// All runners of the engine: those of its own for unsafe and for slow safe rules, and two for each place where rules run
// elsewhere, so that none holds up another. Made by Engine, asked by its followers.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "engine/runners.h"
#include "engine/unsettled.h"

namespace channels {

class Lanes {
 public:
  // `slow_threads` for slow safe rules; `threads` for each other lane that needs any.
  Lanes(Env& env, Log& log, Leases& leases, int threads, int slow_threads, const std::vector<std::shared_ptr<Elsewhere>>& elsewheres);

  Lane of(const Rule& rule) const;
  Runners& runners(Lane lane) { return *runners_[static_cast<std::size_t>(lane)]; }
  std::size_t count() const { return runners_.size(); }
  // How many documents a free place of that lane wakes at most: more would be read than it can take.
  std::size_t woken_at_once(Lane lane);
  // As Runners::end(), for all.
  void end();

 private:
  std::vector<std::unique_ptr<Runners>> runners_;
  std::vector<std::size_t> least_woken_;
  std::map<const Elsewhere*, std::size_t> first_of_;
};

}  // namespace channels
