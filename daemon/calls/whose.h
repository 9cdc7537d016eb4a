// Whom an operator means, for the calls about one user: `devices`, `channels`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "calls/operator.h"
#include "couch/database.h"

namespace channels {

struct Person {
  std::string address;  // digest of the address; empty where a user id was given that nobody has
  std::string user;     // user id; empty until the address is confirmed
};

// `text` is an e-mail address or a user id, as `devices` shows it. nullopt: neither is known, which is printed.
std::optional<Person> find_person(Operator& by, const std::string& text);

// The documents of a registry view's rows whose key begins with `key`, at most `most`.
std::vector<Document> documents_of(Operator& by, std::string_view view, const std::string& key, int most);

// The most rows that a call prints: what an operator can read.
constexpr int most_shown = 1000;

}  // namespace channels
