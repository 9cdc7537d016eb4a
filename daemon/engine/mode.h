// What a handler's author promises of it.
#pragma once

namespace channels {

// One of the two, for each rule.
enum class Mode {
  safe,   // idempotent: may run twice, on two workers at once, and needs no lease
  unsafe  // runs under a lease: never run by two racing workers
};

}  // namespace channels
