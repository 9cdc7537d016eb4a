// The compactions that take the old revisions of what an erasure cleared: erasure.h.
#include "base/errors.h"
#include "workflows/erasure.h"

namespace channels {

namespace {

constexpr milliseconds between_looks_at_compaction{50};
constexpr std::chrono::minutes longest_compaction{10};
// CouchDB compacts each at once, however many it is asked for.
constexpr std::size_t most_compactions = 4;

bool ends_compacting(Env& env, Database& database) {
  const MonoTime until = env.mono_now() + longest_compaction;
  while (database.is_compacting()) {
    if (env.mono_now() >= until) return false;
    pause(env, between_looks_at_compaction);
  }
  return true;
}

// What one that is under way has copied already, it would leave there.
bool begin_compacting(Env& env, Database& database) {
  if (!ends_compacting(env, database)) return false;
  database.compact();
  return true;
}

}  // namespace

bool compact_whole(Env& env, Database& database) {
  return begin_compacting(env, database) && ends_compacting(env, database);
}

void Compactions::begin(const std::string& name) {
  Database database(services_.server, name);
  begin({name, nullptr}, database);
}

void Compactions::begin_without_purged_ids(const std::string& name) {
  Database database(services_.server, name);
  auto purged = std::make_unique<ShortPurgeList>(database);
  begin({name, std::move(purged)}, database);
}

void Compactions::begin(UnderWay compaction, Database& database) {
  if (under_way_.size() == most_compactions) end_first();
  try {
    if (compaction.purged != nullptr) compaction.purged->push_out();
    if (begin_compacting(services_.env, database)) under_way_.push_back(std::move(compaction));
    else unended_.push_back(compaction.name);
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;
  }
}

void Compactions::end_first() {
  const UnderWay compaction = std::move(under_way_.front());
  under_way_.pop_front();
  Database database(services_.server, compaction.name);
  try {
    if (!ends_compacting(services_.env, database)) unended_.push_back(compaction.name);
  } catch (const Refused& refused) {
    if (refused.status != 404) throw;  // it was deleted meanwhile
  }
}

std::vector<std::string> Compactions::finish() {
  while (!under_way_.empty()) end_first();
  return unended_;
}

}  // namespace channels
