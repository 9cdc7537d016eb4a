// A device's document in its user's control database: the daemon keeps what it owns as the registry says, the
// name and all unknown members are the user's, and `revoke` in any leaf revokes the device.
#pragma once

#include <string>

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

// Any state of a device document. Safe.
Outcome mend_control_device(Services& services, Run& run, const Document& doc);
// A deleted document: a device's comes back, all others stay deleted. Safe.
Outcome restore_control_device(Services& services, Run& run, const Document& doc);

// Ends whatever stands under the id of a device that is about to become this user's: its id has been public since it was registered, so
// one of the user's devices may have left a `revoke` there that would end it at once.
void clear_control_copy(Services& services, const std::string& user, const std::string& device_id);

// Writes the record's copy now.
void put_control_copy(Services& services, const std::string& user, const Document& record);

}  // namespace channels
