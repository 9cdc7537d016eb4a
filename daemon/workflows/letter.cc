#include "workflows/letter.h"

#include <algorithm>

#include "base/digest.h"

namespace channels {

namespace {

constexpr milliseconds shortest_send = seconds(1);
constexpr milliseconds longest_send = seconds(15);

std::string message_id(Services& services, const std::string& key) {
  const std::string& from = services.options.mail_from;
  std::string domain = from.substr(from.find('@') + 1);
  domain = domain.substr(0, domain.find('>'));
  return "<" + hmac_sha256_hex(services.registry.codes_key(), "message\n" + key).substr(0, 40) + "@" + domain + ">";
}

// Slow answers may have eaten up the run's time: then the lease is about to end, and whoever takes it would send the same mail.
milliseconds time_left(Run& run) {
  const auto left = std::chrono::duration_cast<milliseconds>(run.deadline - run.env.mono_now());
  if (left < shortest_send) throw Unavailable("no time is left to send a mail");
  return std::min(left, longest_send);
}

}  // namespace

void send_letter(Services& services, Run& run, MailGate::Pass& pass, const Letter& letter) {
  auto rendered = services.templates.render(letter.kind, letter.locale, letter.values);
  Mail mail;
  mail.from = services.options.mail_from;
  mail.to = letter.to;
  mail.subject = std::move(rendered.subject);
  mail.text = std::move(rendered.text);
  mail.html = std::move(rendered.html);
  mail.language = std::move(rendered.language);
  mail.date = services.env.wall_now();
  mail.message_id = message_id(services, letter.key);
  services.mailer.send(mail, time_left(run), [&] { return pass.enter(); });
}

bool is_about_the_mailbox(const Refused& refused) {
  return refused.status == 550 || refused.status == 551 || refused.status == 553;
}

}  // namespace channels
