#include "calls/whose.h"

#include "base/digest.h"
#include "base/log.h"
#include "mail/address.h"
#include "workflows/registry.h"

namespace channels {

namespace {

std::optional<Person> by_address(Database& registry, const Address& address) {
  Person person{sha256_hex(address.folded), ""};
  const auto record = registry.get(address_record_id(person.address));
  if (!record) return std::nullopt;
  person.user = string_or(*record, "user", "");
  return person;
}

std::optional<Person> by_user_id(Database& registry, const std::string& id) {
  const auto record = registry.get("user-" + id);
  if (!record) return std::nullopt;
  return Person{string_or(*record, "address", ""), id};
}

}  // namespace

std::optional<Person> find_person(Operator& by, const std::string& text) {
  Database registry(by.server, by.settings.registry_db);
  const auto address = parse_address(text);
  auto person = address ? by_address(registry, *address) : by_user_id(registry, text);
  if (!person) {
    by.out << "nobody is known as " << escaped(text)
           << ": give an e-mail address of which a device was registered, or a user id\n";
  }
  return person;
}

std::vector<Document> documents_of(Operator& by, std::string_view view, const std::string& key, int most) {
  Database registry(by.server, by.settings.registry_db);
  // {} comes after every string: all keys that are arrays beginning with `key`.
  const json::object query{{"startkey", json::array{key}},
                           {"endkey", json::array{key, json::object{}}},
                           {"include_docs", true},
                           {"limit", most}};
  std::vector<Document> docs;
  for (const json::object& row : registry.view(view, query)) {
    if (const json::object* doc = get_object(row, "doc")) docs.push_back(*doc);
  }
  return docs;
}

}  // namespace channels
