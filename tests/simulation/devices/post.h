// The mail server of scenario "daemons": takes what the daemons send, refuses, hangs and forgets to answer by the seed,
// and keeps every mail with the process that sent it, so that people can read it and checkers can count.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mail/mailer.h"
#include "simulation/faults.h"

namespace channels::simulation {

// What a confirmation mail's link ends in: "#<subject>.<code>"; empty for a mail without one.
struct Link {
  std::string subject;  // a device id, or an address key
  std::string code;
};

struct DeliveredMail {
  Mail mail;
  Link link;
  std::string sender;  // the process' name
};

class Post {
 public:
  // Chances for each mail.
  double refuses = 0;      // "try later", and it is not taken
  double hangs = 0;        // no answer within the time limit; taken or not
  double lost_answer = 0;  // taken, and the connection breaks

  // Newest last.
  std::vector<const DeliveredMail*> to(const std::string& address) const;
  const std::vector<DeliveredMail>& all() const { return mails_; }
  std::function<void(const DeliveredMail&)> on_delivery;

  void deliver(const Mail& mail, const std::string& sender);

 private:
  std::vector<DeliveredMail> mails_;
};

// One process' way to it.
class SimMailer : public Mailer {
 public:
  SimMailer(SimEnv& env, Post& post, Line& line, std::string process)
      : env_(env), post_(post), line_(line), process_(std::move(process)) {}
  void send(const Mail& mail, milliseconds timeout, const MayFinish& may_finish) override;

 private:
  SimEnv& env_;
  Post& post_;
  Line& line_;
  const std::string process_;
};

}  // namespace channels::simulation
