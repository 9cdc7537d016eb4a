// Somebody who is nobody's user: copies what others wrote into the handshake, adds branches to it, confirms wrongly,
// registers devices for addresses that are not his, and tries every door. None of it may hurt anyone.
#pragma once

#include "simulation/devices/sim_device.h"

namespace channels::simulation {

class Stranger {
 public:
  // `victim`: an address that he registers devices for.
  Stranger(Surroundings& around, std::string victim);
  std::unique_ptr<Thread> start() { return env_.start("stranger", [this] { live(); }); }

 private:
  void live();
  void step();
  void watch();
  void add_branch();
  void confirm_wrongly();
  void write_local();
  void register_for(const std::string& address);
  void try_doors();

  Surroundings& around_;
  Scheduler& scheduler_;
  const std::string victim_;
  Process process_{"stranger"};
  SimEnv env_;
  Line line_;
  FaultyTransport transport_;
  NoCredentials nobody_;
  Server server_;
  std::vector<Document> seen_;  // devices in state "new"
  int registered_ = 0;
};

}  // namespace channels::simulation
