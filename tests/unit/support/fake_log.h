// A log that a test reads.
#pragma once

#include <string>

#include "base/log.h"

namespace channels {

class FakeLog : public Log {
 public:
  void write(Level level, std::string_view text) override {
    lines += std::string(name_of(level)) + ": " + std::string(text) + "\n";
  }
  std::string lines;
};

}  // namespace channels
