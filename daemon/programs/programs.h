// All handler programs of the configuration, and the rules that they register. Made and ended by Daemon, which makes
// the engine anew when a program comes with other rules than it had.
//
// What a program registered last is kept in the registry ({"_id": "program-NAME", "type": "program", "registers": [...]}):
// so its documents wait for it while it cannot start, and are not passed over.
#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "programs/claims.h"
#include "programs/program.h"

namespace channels {

class Programs {
 public:
  using Switches = std::map<std::string, bool>;

  // Starts those that are on. `cookies` outlives it.
  Programs(Env& env, Log& log, const std::vector<ProgramSettings>& settings, const Switches& on, const std::string& url,
           Cookies& cookies);

  bool empty() const { return programs_.empty(); }
  // Some are about to say what they register.
  bool are_beginning();
  // Puts their rules beside those of `rules`, which the program itself made. What a program wants that is another's is refused, with
  // the whole program.
  void add_rules(Rules& rules, const BuiltInRules& built_in, Database registry);
  // One registers other rules than those that add_rules() put there.
  bool has_news();
  void switch_all(const Switches& on);
  // As Program: while the engine is made anew.
  void pause(bool paused);
  bool are_idle();

 private:
  struct Entry {
    std::shared_ptr<Program> program;
    bool refused = false;
    std::optional<std::vector<Registration>> used;  // by add_rules()
  };

  static std::optional<std::vector<Registration>> recorded(Database& registry, const std::string& name);
  static void record(Database& registry, const std::string& name, const std::vector<Registration>& registrations);

  std::vector<Entry> programs_;  // in the order of their names
};

}  // namespace channels
