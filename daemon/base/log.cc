#include "base/log.h"

#include <unistd.h>

#include <string>

#include "base/digest.h"
#include "base/time.h"

namespace channels {

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::error:
      return "error";
  }
  return "error";
}

std::string escaped(std::string_view text) {
  constexpr std::size_t longest = 200;
  std::string out;
  for (const char c : text.substr(0, longest)) {
    if (c >= ' ' && c <= '~' && c != '\\') {
      out += c;
    } else {
      out += "\\x" + hex({&c, 1});
    }
  }
  if (text.size() > longest) out += "...";
  return out;
}

void StderrLog::write(Level level, std::string_view text) {
  if (level < least_) return;
  std::string line = format_time(std::chrono::system_clock::now());
  line += " [";
  line += name_of(level);
  line += "] ";
  line += text;
  line += '\n';
  // One write a line, so that lines of several threads never mix.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace channels
