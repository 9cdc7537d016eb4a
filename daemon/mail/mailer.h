// The seam to mail. The workflows call it; SmtpMailer and SendmailMailer are the real ones, the
// simulation has its own.
#pragma once

#include <functional>

#include "base/time.h"
#include "mail/message.h"

namespace channels {

// Asked once, when all of a mail but its end is with the next server, which takes the mail only with that. It may
// wait; false gives the mail up.
using MayFinish = std::function<bool()>;

class Mailer {
 public:
  virtual ~Mailer() = default;

  // Returns when the next server has taken the mail. Throws Unavailable (no connection, time-out, given up, a
  // 4xx of SMTP: try again later) or Refused with SMTP's own status (5xx). After an exception the
  // mail may have gone out all the same: repeat it with the same Message-ID. Safe to call
  // from any thread.
  virtual void send(const Mail& mail, milliseconds timeout, const MayFinish& may_finish) = 0;
};

}  // namespace channels
