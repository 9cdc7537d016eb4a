#include "engine/backoff.h"

#include <algorithm>

namespace channels {

milliseconds backoff(int failures, double chance) {
  constexpr milliseconds longest = seconds(300);
  milliseconds delay = seconds(1);
  for (int i = 1; i < failures && delay < longest; ++i) delay *= 2;
  delay = std::min(delay, longest);
  return milliseconds(static_cast<milliseconds::rep>(static_cast<double>(delay.count()) *
                                                     (0.75 + chance / 2)));
}

}  // namespace channels
