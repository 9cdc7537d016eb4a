// Assertions that stay on in release builds. Everyone calls check() where a false condition can
// only be a bug of this program: it prints the place and aborts. Wrong input and an unreachable
// server are never a check(), see errors.h and parsed.h.
#pragma once

#include <source_location>
#include <string_view>

namespace channels {

[[noreturn]] void check_failed(std::string_view what, const std::source_location& place);

inline void check(bool condition, std::string_view what = "check failed",
                  const std::source_location& place = std::source_location::current()) {
  if (!condition) check_failed(what, place);
}

}  // namespace channels
