// Tells systemd how far a service is: the protocol of sd_notify(3), datagrams to the socket that NOTIFY_SOCKET names. Used by
// IniHost. libsystemd would be a further library in the daemon for one sendto().
#pragma once

#include <string_view>

namespace channels {

// `state`: lines such as "READY=1" or "STATUS=text". Nothing happens where nobody asked for it; what cannot be sent is lost.
void notify_service(std::string_view state);

}  // namespace channels
