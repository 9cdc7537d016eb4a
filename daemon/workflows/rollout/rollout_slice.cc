#include "workflows/rollout/rollout_slice.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>

#include "base/errors.h"
#include "workflows/channel_claims.h"

namespace channels {

namespace {

constexpr milliseconds between_probes{1000};
// A channel that the server could not do while it is up: again, then it failed.
constexpr int most_tries_a_channel = 3;
// Of a CouchDB's answer, for people.
constexpr std::size_t longest_failure = 300;

struct ChannelResult {
  Document record;
  std::vector<KeptDocument> kept;
  std::string failure;
};

// Shared by the threads of a slice.
class SliceWork {
 public:
  SliceWork(Services& services, const RolloutTarget& target, std::vector<Document> records, std::stop_token stop)
      : services_(services), target_(target), stop_(std::move(stop)), ended_(services.env.make_signal()) {
    for (Document& record : records) waiting_.push_back(std::move(record));
  }

  void start(int threads) {
    running_ = threads;
    for (int i = 0; i < threads; ++i) threads_.push_back(services_.env.start("rollout", [this] { work(); }));
  }

  // False: some are still at work.
  bool wait_until(MonoTime deadline) {
    std::unique_lock lock(mutex_);
    while (running_ > 0 && services_.env.mono_now() < deadline) ended_->wait_until(lock, deadline);
    return running_ == 0;
  }

  void begin_no_more() {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
  }

  // After all have ended.
  std::vector<ChannelResult> take_results() {
    threads_.clear();
    return std::move(results_);
  }
  const std::optional<std::string>& trouble() const { return trouble_; }

 private:
  std::optional<Document> next() {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty() || trouble_ || stop_.stop_requested()) return std::nullopt;
    Document record = std::move(waiting_.front());
    waiting_.pop_front();
    return record;
  }

  void work() {
    while (auto record = next()) {
      try {
        ChannelResult result = change(std::move(*record));
        const std::lock_guard lock(mutex_);
        results_.push_back(std::move(result));
      } catch (const std::exception& away) {  // Unavailable, or Refused where the daemon itself is not let in
        const std::lock_guard lock(mutex_);
        trouble_ = away.what();
      }
    }
    const std::lock_guard lock(mutex_);
    --running_;
    ended_->notify_all();
  }

  ChannelResult change(Document record) {
    ChannelResult result;
    for (int tries = 1;; ++tries) {
      try {
        result.kept = apply_template(services_, target_, record, stop_);
        break;
      } catch (const Refused& refused) {
        if (refused.status == 401) throw;
        // A channel without a database has nothing to bring along.
        if (refused.status != 404) result.failure = refused.what();
        break;
      } catch (const Unavailable& down) {
        if (stop_.stop_requested() || !services_.server.is_up()) throw;
        result.failure = down.what();
        if (tries == most_tries_a_channel) break;
        result.failure.clear();
      }
    }
    result.record = std::move(record);
    return result;
  }

  Services& services_;
  const RolloutTarget& target_;
  const std::stop_token stop_;
  std::mutex mutex_;
  std::unique_ptr<Signal> ended_;
  // All below guarded by mutex_, but for the threads.
  std::deque<Document> waiting_;
  std::vector<ChannelResult> results_;
  std::optional<std::string> trouble_;
  int running_ = 0;
  std::vector<std::unique_ptr<Thread>> threads_;
};

std::vector<Document> records_of(Services& services, const std::vector<std::string>& ids) {
  std::vector<Document> records;
  for (auto& record : services.registry.database().get_many(ids)) {
    if (record) records.push_back(std::move(*record));
  }
  return records;
}

void note_in_record(Document& record, const std::string& version, const std::string& failure,
                    const json::object& failed_as) {
  record.erase("template_failed");
  if (failure.empty()) {
    record["template"] = version;
    return;
  }
  json::object failed = failed_as;
  failed["reason"] = failure;
  record["template_failed"] = std::move(failed);
}

// One request for those that nobody else changed meanwhile.
void note_in_records(Services& services, const std::string& version, const std::vector<ChannelResult>& results,
                     const json::object& failed_as) {
  std::vector<Document> records;
  for (const ChannelResult& result : results) {
    records.push_back(result.record);
    note_in_record(records.back(), version, result.failure, failed_as);
  }
  const std::vector<Saved> saved = services.registry.database().save_all(records);
  for (std::size_t i = 0; i < saved.size(); ++i) {
    if (saved[i].ok()) continue;
    services.registry.update(doc_id(records[i]), [&](Document& current) {
      if (doc_type(current) != "channel") return false;  // given up meanwhile
      note_in_record(current, version, results[i].failure, failed_as);
      return true;
    });
  }
}

RolloutResults summed_up(const std::vector<ChannelResult>& results) {
  RolloutResults sum;
  for (const ChannelResult& result : results) {
    ++sum.visited;
    const std::string channel = channel_id_of(result.record);
    for (const KeptDocument& kept : result.kept) sum.reports.push_back({channel, kept.id, word_of(kept.why)});
    if (!result.failure.empty()) sum.failures.push_back({channel, result.failure});
  }
  return sum;
}

}  // namespace

RolloutResults run_slice(Services& services, const RolloutTarget& target, const Slice& slice,
                         const json::object& failed_as, const std::function<bool()>& probe, std::stop_token stop) {
  SliceWork work(services, target, records_of(services, slice.ids), std::move(stop));
  work.start(slice.at_once);
  bool goes_on = true;
  std::string trouble;
  do {
    try {
      goes_on = probe();
    } catch (const std::exception& away) {  // Unavailable or Refused
      trouble = away.what();
      goes_on = false;
    }
    if (!goes_on) work.begin_no_more();
  } while (!work.wait_until(services.env.mono_now() + between_probes));
  std::vector<ChannelResult> results = work.take_results();
  for (ChannelResult& result : results) result.failure.resize(std::min(result.failure.size(), longest_failure));
  note_in_records(services, target.wanted.version, results, failed_as);
  if (work.trouble()) trouble = *work.trouble();
  // What was done is in the records; only the counts of a wave miss it.
  if (results.empty() && !trouble.empty()) throw Unavailable(trouble);
  return summed_up(results);
}

}  // namespace channels
