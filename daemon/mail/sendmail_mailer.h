// Sends by a program with sendmail's interface ("PROGRAM -i -f FROM -- TO", the message on its
// standard input). The path comes from root's files only.
#pragma once

#include <string>

#include "mail/mailer.h"

namespace channels {

class SendmailMailer : public Mailer {
 public:
  explicit SendmailMailer(std::string program);
  void send(const Mail& mail, milliseconds timeout, const MayFinish& may_finish) override;

 private:
  const std::string program_;
};

}  // namespace channels
