// An answer other than success, thrown inside the in-memory CouchDB wherever it is found, and made an HTTP answer at
// one place, ModelCouch::answer. The words are CouchDB's (chttpd:error_info).
#pragma once

#include <string>

namespace channels::simulation {

struct Problem {
  int status = 500;
  std::string error;
  std::string reason;
};

}  // namespace channels::simulation
