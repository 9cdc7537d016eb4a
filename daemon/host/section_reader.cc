#include "host/section_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/log.h"

namespace channels {

namespace {

constexpr int not_a_number = -1;

int whole_number(std::string_view text) {
  int number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size() && number >= 0 ? number
                                                                                  : not_a_number;
}

// A password in a message would be a password in a log.
std::string shown(std::string_view key, std::string_view value) {
  if (key == "password") return "";
  const std::size_t at = value.rfind('@');
  const bool is_login = at != value.npos && value.find("//") < at;
  return " = " + (is_login ? "...@" + escaped(value.substr(at + 1)) : escaped(value));
}

}  // namespace

SectionReader::SectionReader(std::string name, const Section& configured, const Section& trusted,
                             std::vector<std::string>& warnings)
    : name_(std::move(name)), configured_(configured), trusted_(trusted), warnings_(warnings) {}

const std::string* SectionReader::find(std::string_view key) {
  known_.insert(std::string(key));
  for (const Section* section : {&trusted_, &configured_}) {
    const auto found = section->find(key);
    if (found != section->end()) return &found->second;
  }
  return nullptr;
}

void SectionReader::text(std::string_view key, std::string& value) {
  if (const std::string* found = find(key)) value = *found;
}

void SectionReader::trusted_text(std::string_view key, std::string& value) {
  known_.insert(std::string(key));
  const auto found = trusted_.find(key);
  if (found != trusted_.end()) {
    value = found->second;
  } else if (configured_.contains(key)) {
    warn("[" + name_ + "] " + std::string(key) +
         " is ignored here: write it into a file of root's, /etc/couchdb-channels/*.ini");
  }
}

void SectionReader::number(std::string_view key, int least, int most, int& value) {
  const std::string* found = find(key);
  if (found == nullptr) return;
  const int number = whole_number(*found);
  if (number < least || number > most) {
    fail(key, *found, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  } else {
    value = number;
  }
}

void SectionReader::duration(std::string_view key, int least, int most, seconds& value) {
  int count = static_cast<int>(value.count());
  number(key, least, most, count);
  value = seconds(count);
}

void SectionReader::url(std::string_view key, std::initializer_list<std::string_view> schemes,
                        std::string& value) {
  const std::string* found = find(key);
  if (found == nullptr) return;
  const bool good = std::any_of(schemes.begin(), schemes.end(), [&](std::string_view scheme) {
    return found->starts_with(scheme) && found->size() > scheme.size();
  });
  const bool plain = std::all_of(found->begin(), found->end(), [](char c) { return c > ' ' && c <= '~'; });
  if (good && plain) {
    value = *found;
    return;
  }
  std::string wanted = "a URL that begins with";
  for (const std::string_view scheme : schemes) wanted += " " + std::string(scheme);
  fail(key, *found, wanted);
}

void SectionReader::database_name(std::string_view key, std::string& value) {
  const std::string* found = find(key);
  if (found == nullptr) return;
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_$()+-/";
  if (found->empty() || found->front() < 'a' || found->front() > 'z' || found->find_first_not_of(allowed) != found->npos) {
    fail(key, *found, "a database's name: a-z first, then a-z, 0-9 and _$()+-/");
  } else {
    value = *found;
  }
}

void SectionReader::on_or_off(std::string_view key, bool& value) {
  const std::string* found = find(key);
  if (found == nullptr) return;
  if (*found != "on" && *found != "off") fail(key, *found, "\"on\" or \"off\"");
  value = *found == "on";
}

void SectionReader::choice(std::string_view key, std::string_view word, bool& value) {
  const std::string* found = find(key);
  if (found == nullptr) return;
  if (*found == word) {
    value = true;
  } else {
    fail(key, *found, "\"" + std::string(word) + "\", or nothing");
  }
}

void SectionReader::fail(std::string_view key, std::string_view value, std::string_view wanted) {
  if (!fault_.empty()) return;
  fault_ = "[" + name_ + "] " + std::string(key) + shown(key, value) + ": must be " + std::string(wanted);
}

void SectionReader::warn_about_unknown() {
  for (const Section* section : {&configured_, &trusted_}) {
    for (const auto& [key, value] : *section) {
      if (!known_.contains(key)) warn("[" + name_ + "] " + escaped(key) + " is no key that couchdb-channels knows");
    }
  }
}

}  // namespace channels
