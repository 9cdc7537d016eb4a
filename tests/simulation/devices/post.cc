#include "simulation/devices/post.h"

#include "base/errors.h"

namespace channels::simulation {

namespace {

constexpr std::uint64_t longest_way_ms = 300;

Link link_in(const std::string& text) {
  const std::size_t hash = text.find('#');
  if (hash == text.npos) return {};
  const std::size_t dot = text.find('.', hash);
  const std::size_t end = text.find_first_not_of("0123456789abcdef", dot + 1);
  return {text.substr(hash + 1, dot - hash - 1), text.substr(dot + 1, end - dot - 1)};
}

}  // namespace

std::vector<const DeliveredMail*> Post::to(const std::string& address) const {
  std::vector<const DeliveredMail*> found;
  for (const DeliveredMail& each : mails_) {
    if (each.mail.to == address) found.push_back(&each);
  }
  return found;
}

void Post::deliver(const Mail& mail, const std::string& sender) {
  mails_.push_back({mail, link_in(mail.text), sender});
  if (on_delivery) on_delivery(mails_.back());
}

void SimMailer::send(const Mail& mail, milliseconds timeout, const MayFinish& may_finish) {
  Scheduler& chance = env_.scheduler();
  if (timeout.count() <= 0) chance.fail("invariant 6: a mail without a time limit");
  const auto travel = [&] {
    env_.sleep(milliseconds(static_cast<long>(chance.below(longest_way_ms))));
    if (line_.dead) throw Unavailable("killed");
  };
  if (line_.dead) throw Unavailable("killed");
  travel();
  if (!may_finish()) throw Unavailable("the mail was given up");
  if (line_.dead) throw Unavailable("killed");
  if (chance.happens(post_.refuses)) throw Unavailable("451 try again later");
  if (chance.happens(post_.hangs)) {
    if (chance.happens(0.5)) post_.deliver(mail, process_);
    env_.sleep(timeout);
    throw Unavailable("the mail server does not answer");
  }
  post_.deliver(mail, process_);
  if (chance.happens(post_.lost_answer)) throw Unavailable("the mail server closed the connection");
  travel();
}

}  // namespace channels::simulation
