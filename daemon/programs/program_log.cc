#include "programs/program_log.h"

#include <algorithm>
#include <utility>

namespace channels {

namespace {

constexpr double lines_a_second = 10;
constexpr double lines_at_once = 100;
constexpr std::size_t longest_text = 1000;

// As escaped(), which is for a field and cuts at 200 bytes.
std::string harmless(std::string_view text) {
  std::string whole;
  for (text = text.substr(0, longest_text); !text.empty(); text.remove_prefix(std::min<std::size_t>(text.size(), 200)))
    whole += escaped(text.substr(0, 200));
  return whole;
}

}  // namespace

ProgramLog::ProgramLog(Env& env, Log& log, std::string name)
    : env_(env), log_(log), name_(std::move(name)), allowance_(lines_at_once), allowance_at_(env.mono_now()) {}

void ProgramLog::said(Level level, std::string_view text) {
  const MonoTime now = env_.mono_now();
  const std::chrono::duration<double> passed = now - allowance_at_;
  allowance_at_ = now;
  allowance_ = std::min(lines_at_once, allowance_ + passed.count() * lines_a_second);
  if (allowance_ < 1) {
    ++left_out_;
    return;
  }
  allowance_ -= 1;
  std::string line = harmless(text);
  if (left_out_ > 0)
    line += " (" + std::to_string(std::exchange(left_out_, 0)) + " lines before this were left out)";
  told(level, line);
}

void ProgramLog::told(Level level, std::string_view text) {
  log_.write(level, "[" + name_ + "] " + std::string(text));
}

}  // namespace channels
