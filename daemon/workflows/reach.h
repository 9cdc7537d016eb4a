// Who has a channel, by himself or through a group. Called by all workflows that show a channel, or let somebody do something with it.
// Where no group has the channel nothing is read.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "workflows/services.h"

namespace channels {

// What a user is to a channel.
struct Standing {
  std::string access;         // "owner", "writer", "reader"; "none" if he had it and hasn't any longer, "" if he never had it
  bool sees_members = false;  // who follows a public channel is shown nobody
  // Of "none": the last of what ended it.
  bool left = false;  // he went himself
  bool wipe = false;  // who put him out wishes that his devices drop their copies
};

// Reads each group once; for one run of a handler.
class Reach {
 public:
  explicit Reach(Services& services) : services_(services) {}

  Standing standing(const Document& record, std::string_view user);
  // Of a group: his access there.
  std::string access(const Document& record, std::string_view user);
  bool has(const Document& record, std::string_view user);
  // Since that time he was put out of it, or of a group that has it; not who went himself.
  bool was_put_out_since(const Document& record, std::string_view user, const std::string& time);

  // The ids of all who have it, and of all who had it, but for those who follow it.
  std::vector<std::string> everybody(const Document& record);
  std::vector<std::string> former(const Document& record);

 private:
  const Document& group(const std::string& id);
  void add_ending(const Document& record, std::string_view user, Standing& standing);
  // By himself or through groups.
  std::string membership(const Document& record, std::string_view user);
  std::map<std::string, std::string> all(const Document& record);

  Services& services_;
  std::map<std::string, Document> groups_;
};

}  // namespace channels
