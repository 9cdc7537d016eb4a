// What a handler program and the daemon say to each other: one JSON array a line (docs/handlers.md has it to the byte).
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/log.h"
#include "engine/elsewhere.h"

namespace channels {

// ["register", "safe"|"unsafe", TYPE, STATE] or with {"on_lost": "park"|"retry"} behind
struct Registration {
  Mode mode = Mode::safe;
  std::string type;   // "*": any
  std::string state;  // "*": any
  bool retry_lost = false;

  auto operator<=>(const Registration&) const = default;
};
// ["ready"]
struct Ready {};
// ["save", N, DOC]
struct SaveAnswer {
  std::uint64_t number = 0;
  Document doc;
};
// ["keep", N]: the document stays as it is
struct KeepAnswer {
  std::uint64_t number = 0;
};
// ["error", N, {"reason": ..., "retry_after": SECONDS, "lost": true}]
struct ErrorAnswer {
  std::uint64_t number = 0;
  Failed failure;
  bool lost = false;  // it broke off, and may have acted
};
// ["log", TEXT, {"level": "info"}]
struct LogRequest {
  Level level = Level::info;
  std::string text;
};
using Message = std::variant<Registration, Ready, SaveAnswer, KeepAnswer, ErrorAnswer, LogRequest>;

// Invalid says what is wrong with the line.
Parsed<Message> parse_message(std::string_view line);

// As a registry's record keeps it.
json::array registration_json(const Registration& registration);

// With the line's end. `deadline` is for people and clocks of the same machine.
std::string handle_line(std::uint64_t number, const Elsewhere::Task& task, WallTime deadline, const std::string& cookie);
std::string cancel_line(std::uint64_t number);

// What becomes of `sent`, if the program answered with `answered`: Keep where both say the same, Failed where the engine cannot save
// that. The revision is always that of `sent`.
Outcome outcome_of_save(const Document& sent, Document answered);

}  // namespace channels
