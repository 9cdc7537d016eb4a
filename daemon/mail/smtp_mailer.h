// Sends by SMTP, with libcurl (RFC 5321, STARTTLS by RFC 3207).
#pragma once

#include <string>

#include "mail/mailer.h"

namespace channels {

struct SmtpOptions {
  std::string server;  // "smtp://HOST:PORT" or "smtps://HOST:PORT"
  std::string username;
  std::string password;
  // Otherwise STARTTLS is used where the server offers it, and its certificate is not verified
  // (most local servers have one of their own making) unless there is a password to protect.
  bool require_starttls = false;
};

class SmtpMailer : public Mailer {
 public:
  explicit SmtpMailer(SmtpOptions options);
  void send(const Mail& mail, milliseconds timeout, const MayFinish& may_finish) override;
  // All of send() but the mail: connects, starts TLS, logs in. Throws the same. For `doctor`.
  void try_connection(milliseconds timeout) const;

 private:
  const SmtpOptions options_;
};

}  // namespace channels
