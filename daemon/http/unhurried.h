// Requests whose answers may gather: CouchDB sends a list in pieces of 1.5 kB, and who reads each as it comes wakes fifty times for the
// update_seqs of a hundred databases. In the scope of an Unhurried the requests of its thread are read some hundredths of a second after
// something came, and so in a few pieces. The engine's sweep uses it; a transport may as well take no notice.
#pragma once

namespace channels {

class Unhurried {
 public:
  Unhurried() { ++depth(); }
  ~Unhurried() { --depth(); }
  Unhurried(const Unhurried&) = delete;
  Unhurried& operator=(const Unhurried&) = delete;

  // This thread is in such a scope.
  static bool is_on() { return depth() > 0; }

 private:
  static int& depth() {
    thread_local int depth = 0;
    return depth;
  }
};

}  // namespace channels
