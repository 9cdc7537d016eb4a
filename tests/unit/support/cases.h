// What several tests of one folder start from.
#pragma once

#include <boost/json.hpp>
#include <chrono>

namespace channels {

// 2024-05-01T12:39:12Z
inline const std::chrono::system_clock::time_point now = std::chrono::system_clock::from_time_t(1714567152);

// A number in as many arrays.
inline boost::json::value nested(int levels) {
  boost::json::value value = 1;
  for (int i = 0; i < levels; ++i) value = boost::json::array{value};
  return value;
}

}  // namespace channels
