// What the members of a channel or group are shown of each other: user ids and access always, names and addresses as far as one of its
// owners allowed it. People who have a channel through a group are in the group's document, and the channel's names the group: would they be
// in the channel's, who comes into a group had to be written into all members' copies of all its channels.
//
//   record of a channel or group   "shows": "names" | "addresses"    absent: neither; addresses are shown with the names
//   record of a user               "name"                            what he calls himself (profile.h)
//
// Called by all that write a channel's or group's copy (sharing.h, group_sharing.h), and for members' documents of the state "show".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

// "names", "addresses" or "".
std::string shown_of_members(const Document& record);

// Reads each user once; for one run of a handler.
class Introductions {
 public:
  explicit Introductions(Services& services) : services_(services) {}

  // [{"user", "access"[, "name"][, "address"]}], owners first, at most 200. A copy has no room for more than some hundred names: who
  // comes after them is there without. May throw as requests do; nothing is read where an owner allowed nothing.
  json::array members(const Document& record);
  // [{"group", "access"[, "name"]}] of those that have the channel, the names where an owner allowed those of people; as above.
  json::array groups(const Document& record);

 private:
  struct Person {
    std::string name;
    std::string digest;   // of the address
    std::string address;  // read once somebody shows it
  };
  void read_names(const json::array& members);
  void read_addresses(const json::array& members);
  void read_group_names(const json::array& groups);

  Services& services_;
  std::map<std::string, Person, std::less<>> people_;
  std::map<std::string, std::string, std::less<>> group_names_;  // by the group's id
};

// {"type": "member", "state": "show", "channel": "<channel or group id>", "shows": "nothing" | "names" | "addresses"}
// -> {..., "state": "done"}, or `error` with one of no_member, no_owner, bad_wish. `record`: what the registry has under the id. Safe.
Outcome change_introductions(Services& services, Run& run, const Document& doc, const Document& record);

}  // namespace channels
