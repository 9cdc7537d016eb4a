// Runs the program without CouchDB as its parent: --ini FILE. Configuration from the files, log to stderr,
// the end by SIGTERM or SIGINT.
#pragma once

#include "host/host.h"
#include "host/signals.h"

namespace channels {

class IniHost : public Host {
 public:
  // `trusted`: the files are not those that CouchDB writes for its admins.
  IniHost(Sections sections, Level least, bool trusted = true)
      : sections_(std::move(sections)), trusted_(trusted), log_(least) {}

  Section section(std::string_view name) override;
  void watch(std::string_view) override {}
  Log& log() override { return log_; }
  // To the service manager, if it waits for that (Type=notify).
  void tell_ready() override;
  void wait_for_end() override;
  bool waits_for_better_configuration() const override { return false; }
  bool is_trusted() const override { return trusted_; }

 private:
  const Sections sections_;
  const bool trusted_;
  StderrLog log_;
  EndSignals signals_;
};

}  // namespace channels
