#include "workflows/log_ins.h"

#include <string>

#include "provision/users.h"
#include "workflows/group_sharing.h"

namespace channels {

namespace {

constexpr const char* counter_id = "log-ins";
constexpr std::size_t devices_a_page = 500;

// Also where it is ahead: somebody who could forge it so would hide an older copy.
bool is_as_it_was_left(std::int64_t counter, const std::optional<Document>& mark) {
  return (mark ? int_or(*mark, "counter", 0) : 0) == counter;
}

void mend_log_in(Services& services, const json::object& row) {
  const json::array* key = get_array(row, "key");
  if (key == nullptr || key->size() < 2 || !key->at(0).is_string()) return;
  const std::string device = device_of_record(string_or(row, "id", ""));
  if (key->at(1) == "revoked") delete_user(services.server, device);
  if (key->at(1) == "active") put_current_roles(services, device, std::string(key->at(0).as_string()));
}

void mend_all(Services& services) {
  json::object query{{"limit", devices_a_page}};
  for (;;) {
    const auto rows = services.registry.database().view("devices_by_user", query);
    for (const json::object& row : rows) mend_log_in(services, row);
    if (rows.size() < devices_a_page) return;
    query["startkey"] = rows.back().at("key");
    query["startkey_docid"] = rows.back().at("id");
    query["skip"] = 1;
  }
}

}  // namespace

void mend_log_ins(Services& services) {
  Database users(services.server, "_users");
  const auto known = services.registry.get(counter_id);
  const std::int64_t counter = known ? int_or(*known, "counter", 0) : 0;
  // A server may have several registries.
  const std::string mark_id = "_local/" + services.options.registry_db;
  const auto mark = users.get(mark_id);
  if (!is_as_it_was_left(counter, mark)) {
    services.log.info("_users is not as it was left: log-ins are made to fit the registry again");
    mend_all(services);
  }
  // First here: should the other write be lost, the next hour looks once more for nothing.
  Document next = known.value_or(Document{{"_id", counter_id}, {"type", "log-ins"}});
  next["counter"] = counter + 1;
  if (!services.registry.database().save(next).ok()) return;  // another worker is about it
  users.save({{"_id", mark_id}, {"counter", counter + 1}});
}

}  // namespace channels
