#include "calls/doctor/report.h"

#include <algorithm>

namespace channels {

namespace {

// Shorter ones would blot out half of the text, and are in any word list.
constexpr std::size_t least_secret = 4;

constexpr std::string_view name_of(Result result) {
  return result == Result::ok ? "ok" : result == Result::note ? "note" : "fault";
}

// "//name:password@host" -> "//...@host"
void hide_log_ins(std::string& text) {
  for (auto slashes = text.find("//"); slashes != text.npos;
       slashes = text.find("//", slashes + 2)) {
    const auto end = std::min(text.find_first_of("/ \"", slashes + 2), text.size());
    const auto at = text.rfind('@', end);
    if (at != text.npos && at > slashes + 1) text.replace(slashes + 2, at - slashes - 2, "...");
  }
}

}  // namespace

void Report::hide(const std::string& secret) {
  if (secret.size() >= least_secret) secrets_.push_back(secret);
}

std::string Report::clean(std::string text) const {
  for (const std::string& secret : secrets_) {
    for (auto at = text.find(secret); at != text.npos; at = text.find(secret, at + 3))
      text.replace(at, secret.size(), "...");
  }
  hide_log_ins(text);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

void Report::add(std::string_view name, Result result, const std::string& found, const Todo& todo) {
  if (result == Result::fault) ++faults_;
  json::array lines;
  for (const std::string& line : todo) lines.emplace_back(clean(line));
  if (out_ != nullptr) {
    std::string word(name_of(result));
    word.resize(5, ' ');
    *out_ << word << " " << name << ": " << clean(found) << "\n";
    for (const json::value& line : lines)
      *out_ << "        " << std::string_view(line.as_string()) << "\n";
    out_->flush();
  }
  checks_.push_back(
      {{"name", name}, {"result", name_of(result)}, {"found", clean(found)}, {"do", lines}});
}

json::object Report::as_json() const {
  return {{"faults", faults_}, {"checks", checks_}};
}

Todo in_local_ini(std::string_view section, std::initializer_list<std::string> lines) {
  Todo todo{"in local.ini, then restart CouchDB:", "[" + std::string(section) + "]"};
  todo.insert(todo.end(), lines);
  return todo;
}

}  // namespace channels
