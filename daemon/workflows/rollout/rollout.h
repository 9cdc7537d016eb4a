// Brings every channel to what template_db has. The daemon makes one beside the engine where [channels] template_db
// is set; it works on a thread of its own.
//
// Every two seconds it looks whether template_db changed (and has been quiet since the look before: who pushes ten
// files makes one version). A new version is kept in the registry and becomes the rollout (rollout_state.h); one
// worker runs it, a slice of channels at a time (rollout_slice.h), and saves after each how far it is. What is left
// is asked of the registry's view channels_by_template, so a run that was cut off goes on where it was.
//
// Who runs it is in the rollout's document, `worker`, and each save moves `beat`. Another worker takes it over as a
// lease is taken over (lease.h): after it has itself seen the same revision for [channels] lease. Should both go on
// for a moment, both do the same, and one of them finds that at its next save.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "workflows/rollout/apply_template.h"
#include "workflows/rollout/pace.h"
#include "workflows/rollout/rollout_slice.h"
#include "workflows/services.h"

namespace channels {

class Rollout {
 public:
  // Looks once before it returns, so that the first new channel gets the template.
  Rollout(Services& services, seconds lease);
  // Ends after the requests under way.
  ~Rollout();

 private:
  void work();
  void look();
  void say(const std::string& trouble);
  // False: at the end.
  bool wait(milliseconds time);

  void look_at_template();
  void begin(const ChannelTemplate& read);
  void lost(const std::string& version);
  void use(const Document& rollout);

  bool is_mine(Document& rollout);
  bool take(Document& rollout);
  void look_for_stragglers(Document& rollout);
  void run(Document rollout);
  // One slice. False if this worker has nothing more to do now.
  bool step(Document& rollout, const RolloutTarget& target);
  std::vector<std::string> waiting_channels(const Document& rollout, std::int64_t most);
  bool goes_on(const Document& rollout, const std::string& version) const;
  Document save(const Document& rollout, const std::function<void(Document&)>& change);
  bool probe(const Document& rollout);
  void all_have_it(const Document& rollout);

  Services& services_;
  const seconds lease_;
  const std::string worker_;
  std::string said_;           // the last trouble, said once
  std::string seen_seq_;       // of template_db, when it was looked at last
  std::string read_seq_;       // when it was read
  std::string refused_seq_;    // when it could not be rolled out
  MonoTime next_read_{};       // of that
  std::string lost_version_;   // of which the registry had not all
  bool is_lost_ = false;       // and it is not yet tried to bring it back
  std::string watched_rev_;    // of a rollout that another worker has
  MonoTime watched_since_{};
  MonoTime next_stragglers_{};
  MonoTime last_save_{};
  Pace pace_;

  std::mutex mutex_;
  std::unique_ptr<Signal> changed_;
  std::stop_source stop_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace channels
