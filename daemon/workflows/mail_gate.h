// Of the mails that a worker is sending, one at a time is between the mail server's "taken" and the registry's note
// that it went out. Who is killed there, or paused until another takes over, can't know whether it did, and it is repeated:
// so it is one mail at most, however many were on their way. Used by the handlers that send mail.
//
//   MailGate::Pass pass(services.mail_gate, run.deadline);
//   mailer.send(mail, timeout, [&] { return pass.enter(); });
//   ... note it in the registry; the next may enter when pass ends
#pragma once

#include <memory>
#include <mutex>

#include "base/env.h"

namespace channels {

class MailGate {
 public:
  explicit MailGate(Env& env) : env_(env), changed_(env.make_signal()) {}

  class Pass {
   public:
    // `deadline`: of the run.
    Pass(MailGate& gate, MonoTime deadline) : gate_(gate), deadline_(deadline) {}
    ~Pass();
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

    // Waits for its turn. False when too little time is left then, also because the process was stopped meanwhile: the
    // mail must not go out any more, another worker may be sending it. A second call changes nothing.
    bool enter();

   private:
    MailGate& gate_;
    const MonoTime deadline_;
    bool inside_ = false;
  };

 private:
  Env& env_;
  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  bool taken_ = false;  // guarded by mutex_
};

}  // namespace channels
