// Reads one section of the configuration key by key into typed values, and keeps account of what is wrong
// with it. A value that is absent leaves the default. Used by settings.cc and program_settings.cc.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "host/ini.h"

namespace channels {

class SectionReader {
 public:
  // Trusted values go before those of the configuration.
  SectionReader(std::string name, const Section& configured, const Section& trusted,
                std::vector<std::string>& warnings);

  void text(std::string_view key, std::string& value);
  // From trusted files only; elsewhere it is ignored, with a warning.
  void trusted_text(std::string_view key, std::string& value);
  // Inclusive bounds.
  void number(std::string_view key, int least, int most, int& value);
  void duration(std::string_view key, int least, int most, seconds& value);
  void url(std::string_view key, std::initializer_list<std::string_view> schemes, std::string& value);
  // A database's name or the beginning of one, by CouchDB's rules.
  void database_name(std::string_view key, std::string& value);
  // True if the value is that word; any other value is wrong.
  void choice(std::string_view key, std::string_view word, bool& value);

  // "on" or "off".
  void on_or_off(std::string_view key, bool& value);
  void fail(std::string_view key, std::string_view value, std::string_view wanted);
  void warn(std::string text) { warnings_.push_back(std::move(text)); }
  void warn_about_unknown();
  // Empty if all is well, else the first thing that isn't.
  const std::string& fault() const { return fault_; }

 private:
  const std::string* find(std::string_view key);

  const std::string name_;
  const Section& configured_;
  const Section& trusted_;
  std::vector<std::string>& warnings_;
  std::set<std::string, std::less<>> known_;
  std::string fault_;
};

}  // namespace channels
