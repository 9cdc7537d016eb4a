// Which pending device of an address a proof belongs to, for confirms by the link that serves all of them. Who has seen the link's key
// (each such confirm shows it) can write wrong ones by the thousand, and register thousands of devices of that address: so runs that
// ask at the same time share one reading of the list. Made in all.cc, asked by confirm.cc from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/env.h"

namespace channels {

class SharedProofs {
 public:
  // A digest of answer and proof -> the device's id. Of the digest, since a look-up takes its time by what is compared.
  using Proofs = std::unordered_map<std::string, std::string>;

  // `env` outlives it.
  explicit SharedProofs(Env& env) : env_(env), read_(env.make_signal()) {}

  // What `read_now` gave here or in another thread; that call began after this one, so a device that was pending before is in it.
  // Throws what it throws here.
  std::shared_ptr<const Proofs> read(const std::string& address, const std::function<Proofs()>& read_now);

 private:
  struct Reading {
    int users = 0;
    bool under_way = false;
    std::uint64_t begun = 0;  // of the one whose result is in `proofs`
    std::shared_ptr<const Proofs> proofs;
  };
  class Use;
  class Turn;

  Env& env_;
  std::unique_ptr<Signal> read_;
  std::mutex mutex_;
  std::uint64_t ticks_ = 0;                  // guarded by mutex_
  std::map<std::string, Reading> readings_;  // by address, of those that somebody asks for now; guarded by mutex_
};

}  // namespace channels
