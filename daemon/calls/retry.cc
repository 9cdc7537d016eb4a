#include <memory>

#include "base/digest.h"
#include "base/log.h"
#include "calls/all.h"
#include "calls/calls.h"
#include "calls/parked.h"
#include "calls/retry.h"
#include "workflows/audit.h"
#include "workflows/registry.h"

namespace channels {

namespace {

// Which document: by a digest, since its id is its writer's choice and may say anything.
Document retry_entry(Operator& by, const ParkedFailure& failure) {
  Deed deed{"document retried", std::string(by_operator), {{"document", sha256_hex(failure.id)}}};
  for (const auto& [kind, prefix] : {std::pair("user", by.settings.control_prefix), std::pair("channel", by.settings.channel_prefix)}) {
    if (failure.database.starts_with(prefix)) deed.about[kind] = failure.database.substr(prefix.size());
  }
  return audit_entry(deed, by.env.wall_now());
}

// Before anything is done, as for every order (revoke.cc).
void note_retries(Operator& by, const std::vector<ParkedFailure>& wanted) {
  std::vector<Document> entries;
  for (const ParkedFailure& failure : wanted) entries.push_back(retry_entry(by, failure));
  Registry registry(by.env, Database(by.server, by.settings.registry_db));
  if (!entries.empty()) registry.write_audits(entries);
}

}  // namespace

int retry_parked(Operator& by, const ParkedWanted& what) {
  Records records(by.env, Database(by.server, by.settings.registry_db));
  std::vector<ParkedFailure> wanted = parked_now(records, by.server);
  std::erase_if(wanted,
                [&](const ParkedFailure& failure) { return !what.all && failure.id != what.id; });
  note_retries(by, wanted);
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
