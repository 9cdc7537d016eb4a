// The result of a pure parse_ function: a value, or what is wrong with the input in one sentence
// that a person can act on. Callers must look before they take the value.
#pragma once

#include <boost/system/result.hpp>
#include <string>

namespace channels {

class Invalid {
 public:
  // Not made from a string implicitly, nor as an aggregate: a Parsed<std::string> could not tell
  // its value from its error then.
  static Invalid because(std::string reason) {
    Invalid invalid;
    invalid.reason = std::move(reason);
    return invalid;
  }

  Invalid() {}  // Boost.System's result::error() wants one

  std::string reason;
};

// Boost.System calls this (found by its argument's namespace) when .value() meets an error. That
// is a bug of the caller, who has not looked: it aborts.
[[noreturn]] void throw_exception_from_error(const Invalid& invalid,
                                             const boost::source_location& place);

template <class T>
using Parsed = boost::system::result<T, Invalid>;

}  // namespace channels
