// The result of a pure parse_ function: a value, or what is wrong with the input in one sentence
// that a person can act on. Callers must look before they take the value.
#pragma once

#include <boost/system/result.hpp>
#include <string>

namespace channels {

// What is wrong with an input.
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

  std::string reason;  // one sentence for a person; it names the value, where that is no secret
};

// Boost.System calls this (found by its argument's namespace) when .value() meets an error. That
// is a bug of the caller, who has not looked: it aborts.
[[noreturn]] void throw_exception_from_error(const Invalid& invalid,
                                             const boost::source_location& place);

// A T, or why there is none.
template <class T>
using Parsed = boost::system::result<T, Invalid>;

}  // namespace channels
