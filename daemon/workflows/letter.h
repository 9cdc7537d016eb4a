// One mail of the daemon, from template to mail server. Called by the workflows that write to people, which have found
// out before whether a mail may go out at all (mail_slots.h, mail_limits.h).
#pragma once

#include <string>

#include "base/errors.h"
#include "engine/handler.h"
#include "mail/templates.h"
#include "workflows/services.h"

namespace channels {

struct Letter {
  std::string kind;    // of the template (mail/templates.h)
  std::string locale;  // any text: its language, if there are words in it
  Values values;
  std::string to;
  std::string key;  // makes the Message-ID: the same for each repetition
};

// Returns when the mail server has it; the caller keeps the pass until it has noted that in the registry. Throws as
// Mailer::send does, and Unavailable when too little of the run's time is left.
void send_letter(Services& services, Run& run, MailGate::Pass& pass, const Letter& letter);

// SMTP's words for "not this mailbox" (RFC 5321, section 4.2.3). Other refusals are about us (a log-in, a
// relay, a policy): an operator mends those, and the mail is tried again.
bool is_about_the_mailbox(const Refused& refused);

}  // namespace channels
