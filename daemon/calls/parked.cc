#include "calls/parked.h"

#include <map>

namespace channels {

namespace {

constexpr std::size_t failures_a_page = 200;

}  // namespace

std::vector<ParkedFailure> parked_now(Records& records, Server& server) {
  std::vector<ParkedFailure> parked;
  std::vector<ParkedFailure> moved_on;
  std::vector<ParkedFailure> page;
  do {
    const std::optional<ParkedFailure> last =
        page.empty() ? std::nullopt : std::optional(page.back());
    page = records.failures(failures_a_page, last ? &*last : nullptr);
    std::map<std::string, std::vector<const ParkedFailure*>> by_database;
    for (const ParkedFailure& failure : page) by_database[failure.database].push_back(&failure);
    for (const auto& [name, failures] : by_database) {
      std::vector<std::string> ids;
      for (const ParkedFailure* failure : failures) ids.push_back(failure->id);
      Database database(server, name);
      const auto docs = database.exists() ? database.get_many(ids)
                                          : std::vector<std::optional<Document>>(ids.size());
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const bool is_as_parked = docs[i] && doc_rev(*docs[i]) == failures[i]->attempts.rev;
        (is_as_parked ? parked : moved_on).push_back(*failures[i]);
      }
    }
  } while (page.size() == failures_a_page);
  records.remove_failures(moved_on);
  return parked;
}

}  // namespace channels
