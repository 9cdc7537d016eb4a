#include "mail/sendmail_mailer.h"

#include <sysexits.h>

#include <boost/process.hpp>

#include "base/errors.h"

namespace channels {

namespace {

namespace process = boost::process;

// sysexits.h in SMTP's words.
void throw_unless_taken(int exit_code, const std::string& program) {
  if (exit_code == EX_OK) return;
  const std::string what = program + " ended with exit code " + std::to_string(exit_code);
  if (exit_code == EX_NOUSER || exit_code == EX_NOHOST) throw Refused(550, what);
  if (exit_code == EX_TEMPFAIL || exit_code == EX_UNAVAILABLE || exit_code == EX_OSERR)
    throw Unavailable(what);
  throw Refused(554, what);
}

}  // namespace

SendmailMailer::SendmailMailer(std::string program) : program_(std::move(program)) {}

void SendmailMailer::send(const Mail& mail, milliseconds timeout, const MayFinish& may_finish) {
  process::opstream input;
  std::error_code failure;
  process::child child(process::exe = program_,
                       process::args = {"-i", "-f", address_in(mail.from), "--", mail.to},
                       process::std_in < input, process::std_out > process::null, failure,
                       process::limit_handles);
  if (failure) throw Unavailable(program_ + " cannot be started: " + failure.message());
  input << compose(mail) << std::flush;
  if (!may_finish()) {
    child.terminate(failure);
    throw Unavailable("the mail was given up");
  }
  input.pipe().close();
  if (!child.wait_for(timeout, failure)) {
    child.terminate(failure);
    throw Unavailable(program_ + " did not end in time");
  }
  throw_unless_taken(child.exit_code(), program_);
}

}  // namespace channels
