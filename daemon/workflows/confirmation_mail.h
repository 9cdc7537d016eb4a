// The mail of the confirmation loop: who gets one, which kind, and when. Over [channels_mail]
// mail_per_address an hour, an address gets one mail an hour with a single link for all of its pending
// devices: a stranger's flood can neither fill the mailbox nor keep the person's own device out.
#pragma once

#include <string>
#include <variant>

#include "engine/handler.h"
#include "workflows/services.h"

namespace channels {

struct MailSent {};  // or this device's hour has had its mail for all
struct MailRefused {
  std::string reason;  // for a person
};

// Sends the mail for this device's record (which has its device_code); the caller keeps the pass until it has noted
// that in the registry. Repeating sends the same mail
// with the same Message-ID and takes no second place of the hour's. Later: the limit in all is
// reached. Throws Unavailable if the mail server cannot be had.
std::variant<MailSent, MailRefused, Later> send_confirmation_mail(Services& services, Run& run,
                                                                  MailGate::Pass& pass,
                                                                  const std::string& device_id,
                                                                  const Document& record);

// The codes of the mails to an address that are still right, newest first, given its record: one for
// each mail with a link for all that went out within confirm_ttl.
std::vector<std::string> collective_codes(Services& services, const Document& address_record,
                                          WallTime now);

// A mail about something that happened, "device_active" or "device_revoked", to the address of the
// device's user. `key` makes the Message-ID: the same for each repetition. The pass as above.
void send_notice(Services& services, Run& run, MailGate::Pass& pass, std::string_view kind, const std::string& key,
                 const Document& device_record);

}  // namespace channels
