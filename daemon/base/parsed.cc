#include "base/parsed.h"

#include "base/check.h"

namespace channels {

void throw_exception_from_error(const Invalid& invalid, const boost::source_location&) {
  check_failed("the value of an invalid input was taken: " + invalid.reason,
               std::source_location::current());
}

}  // namespace channels
