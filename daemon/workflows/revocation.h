// The end of a device: its log-in first, then the record, then the copies. Called for a `revoke` in a
// control database, for "sign out all others", and for "not me" said about an active device.
#pragma once

#include <optional>
#include <string>

#include "workflows/services.h"

namespace channels {

// Takes the device's log-in away and makes its record `revoked`; gives the record as it then is.
// `wipe`: the revoker's wish. `by`: who he is, for the audit; the record's "revoke_by" (an operator's call) goes before him. Safe
// to repeat: a revoked device stays as it was revoked first. The caller sees to the copy in the control database.
Document revoke_device(Services& services, const std::string& device_id, bool wipe, std::string_view by);

// The same for a mailbox's answer, and puts the control database's copy right.
void revoke_everywhere(Services& services, const std::string& user, const std::string& device_id);

// All devices of the user but this one. Safe to repeat: those that a run before left half revoked are finished.
void revoke_others(Services& services, const std::string& user, const std::string& device_id);

}  // namespace channels
