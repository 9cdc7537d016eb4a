// Who has a channel, by himself or through a group. Called by all workflows that show a channel, or let somebody do something with it.
// Where no group has the channel nothing is read.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "workflows/services.h"

namespace channels {

// Reads each group once; for one run of a handler.
class Reach {
 public:
  explicit Reach(Services& services) : services_(services) {}

  // "owner", "writer", "reader"; "none" if he had it and hasn't any longer, "" if he never had it. Of a group: his access there.
  std::string access(const Document& record, std::string_view user);
  bool has(const Document& record, std::string_view user);

  // The ids of all who have it, and of all who had it.
  std::vector<std::string> everybody(const Document& record);
  std::vector<std::string> former(const Document& record);

 private:
  const Document& group(const std::string& id);
  std::map<std::string, std::string> all(const Document& record);

  Services& services_;
  std::map<std::string, Document> groups_;
};

}  // namespace channels
