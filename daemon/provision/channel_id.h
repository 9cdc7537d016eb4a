// What a channel's id looks like: it becomes part of a database's name, in the cloud and on
// devices.
#pragma once

#include <string_view>

namespace channels {

// 16 to 64 characters of a-z, 0-9 and "-". Pure.
inline bool is_channel_id(std::string_view id) {
  return id.size() >= 16 && id.size() <= 64 &&
         id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

}  // namespace channels
