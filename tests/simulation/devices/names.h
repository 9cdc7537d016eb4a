// The names that the world of devices has for what all of its files speak of.
#pragma once

namespace channels::simulation {

inline constexpr const char* couch_url = "http://couch/";
inline constexpr const char* handshake = "channels-handshake";
inline constexpr const char* registry = "channels-registry";

}  // namespace channels::simulation
