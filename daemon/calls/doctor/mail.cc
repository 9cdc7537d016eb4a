// Can mails go out?
#include <unistd.h>

#include "base/errors.h"
#include "calls/doctor/visit.h"
#include "mail/smtp_mailer.h"
#include "mail/templates.h"

namespace channels {

namespace {

constexpr milliseconds longest_try = seconds(20);

void try_sendmail(Visit& visit, const std::string& program) {
  if (access(program.c_str(), X_OK) == 0) {
    visit.report.ok("mail", program + " can be run");
  } else {
    visit.report.fault("mail", program + " cannot be run",
                       {"in a file of root's, /etc/couchdb-channels/*.ini:", "[channels_mail]",
                        "sendmail = /usr/sbin/sendmail", "or take that line out, and set server"});
  }
}

void try_server(Visit& visit, const MailSettings& mail) {
  try {
    SmtpMailer({mail.server, mail.username, mail.password, mail.require_starttls})
        .try_connection(longest_try);
    visit.report.ok("mail",
                    mail.server + " answers" +
                        (mail.username.empty() ? "" : ", and takes the log-in or asks for none"));
  } catch (const std::exception& trouble) {  // Unavailable or Refused
    visit.report.fault(
        "mail", mail.server + ": " + trouble.what(),
        {"start the mail server, or in local.ini:", "[channels_mail]",
         "server = smtp://HOST:PORT        (or smtps://; starttls = required; username, password)",
         "until then no device can be confirmed; what waits goes out when it answers"});
  }
}

}  // namespace

void check_mail(Visit& visit) {
  const MailSettings& mail = visit.settings.mail;
  if (mail.sendmail.empty()) {
    try_server(visit, mail);
  } else {
    try_sendmail(visit, mail.sendmail);
  }
  if (mail.from == MailSettings().from)
    visit.report.note("mail", "[channels_mail] from is not set: mails would come from " + mail.from,
                      in_local_ini("channels_mail", {"from = Channels <no-reply@YOUR.DOMAIN>"}));
  if (mail.templates.empty()) return;
  if (const auto templates = Templates::load(mail.templates); !templates)
    visit.report.fault(
        "templates", templates.error().reason,
        {"correct that file; what is not in " + mail.templates + " is taken from the program"});
}

}  // namespace channels
