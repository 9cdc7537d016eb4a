// A device's name as a mail may show it. Anyone can register a device for anyone's address: until the
// address is confirmed for the first time the name must carry no message and no link, or the
// daemon would be a spam relay.
#pragma once

#include <string>
#include <string_view>

namespace channels {

// On one line. Unless `confirmed_before`: at most 40 characters, without "/", ":", "@", their look-alikes,
// and dots between letters, which mail readers would make links of. May be empty.
std::string harmless_name(std::string_view name, bool confirmed_before);

}  // namespace channels
