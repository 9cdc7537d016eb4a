// One document as the daemon hands it over, and what is answered. Pure; used by control.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/handler.h"

namespace channels {

// ["handle", N, {...}] or ["cancel", N]; all else that the daemon may say one day is `other`.
struct FromDaemon {
  enum class Verb { handle, cancel, other };
  Verb verb = Verb::other;
  std::uint64_t number = 0;
  std::string database;
  int attempt = 1;
  std::string attempt_key;
  WallTime deadline{};
  std::string cookie;
  Document doc;
};

FromDaemon parse_from_daemon(std::string_view line);

// With the line's end. `now` is what a Later is counted from.
std::string answer_line(std::uint64_t number, const Outcome& outcome, WallTime now);

// As a handler that throws std::exception's heirs is meant.
Outcome run_handler(const Handler& handler, Run& run, const Document& doc);

}  // namespace channels
