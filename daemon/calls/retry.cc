#include <memory>

#include "base/log.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "calls/parked.h"
#include "calls/retry.h"

namespace channels {

int retry_parked(Operator& by, const ParkedWanted& what) {
  Records records(by.env, Database(by.server, by.settings.registry_db));
  std::vector<ParkedFailure> wanted = parked_now(records, by.server);
  std::erase_if(wanted,
                [&](const ParkedFailure& failure) { return !what.all && failure.id != what.id; });
  records.bring_back(wanted);
  for (const ParkedFailure& failure : wanted)
    by.out << "tried again: " << escaped(failure.id) << " in " << failure.database << "\n";
  if (wanted.empty())
    by.out << (what.all ? "nothing is parked"
                        : "nothing is parked with that id: see couchdb-channels status")
           << "\n";
  return wanted.empty() && !what.all ? 1 : 0;
}

void add_retry(Calls& calls) {
  auto what = std::make_shared<ParkedWanted>();
  CLI::App& command = calls.add("retry", "hand parked documents out again",
                                [what](Operator& by) { return retry_parked(by, *what); });
  CLI::Option* id = command.add_option("ID", what->id, "the document's _id, as status shows it");
  command.add_flag("--all", what->all, "all that are parked")->excludes(id);
  command.final_callback([what] {
    if (what->id.empty() && !what->all) throw CLI::RequiredError("retry: ID or --all");
  });
}

}  // namespace channels
