#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace channels {

void check_failed(std::string_view what, const std::source_location& place) {
  std::fprintf(stderr, "couchdb-channels: bug: %.*s (%s:%u)\n", static_cast<int>(what.size()),
               what.data(), place.file_name(), static_cast<unsigned>(place.line()));
  std::abort();
}

}  // namespace channels
