#include "engine/read_ahead.h"

#include "base/errors.h"

namespace channels {

ReadAhead::ReadAhead(Env& env, int threads)
    : env_(env), changed_(env.make_signal()), most_(static_cast<std::size_t>(threads)) {
  for (int i = 0; i < threads; ++i) threads_.push_back(env.start("read ahead", [this] { work(); }));
}

ReadAhead::~ReadAhead() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    changed_->notify_all();
  }
  threads_.clear();
}

std::shared_ptr<ReadAhead::Batch> ReadAhead::start(const Database& database,
                                                   const Database::ChangesQuery& query) {
  const std::lock_guard lock(mutex_);
  std::erase_if(held_, [](const auto& batch) { return batch.expired(); });
  if (held_.size() >= most_) return nullptr;
  auto batch = std::make_shared<Batch>(Batch{database, query, false, std::nullopt});
  batch->query.stop = stop_.get_token();
  held_.push_back(batch);
  queue_.push_back(batch);
  changed_->notify_all();
  return batch;
}

std::optional<Changes> ReadAhead::take(const std::shared_ptr<Batch>& batch) {
  std::unique_lock lock(mutex_);
  while (!batch->done && !stop_.stop_requested()) changed_->wait_until(lock, env_.mono_now() + seconds(60));
  return std::move(batch->changes);
}

std::shared_ptr<ReadAhead::Batch> ReadAhead::next() {
  std::unique_lock lock(mutex_);
  while (queue_.empty() && !stop_.stop_requested()) changed_->wait_until(lock, env_.mono_now() + seconds(60));
  if (stop_.stop_requested()) return nullptr;
  auto batch = std::move(queue_.front());
  queue_.pop_front();
  return batch;
}

void ReadAhead::work() {
  while (auto batch = next()) {
    std::optional<Changes> changes;
    try {
      changes = Database(batch->database).changes(batch->query);
    } catch (const std::exception&) {  // Unavailable or Refused: told to who asks again
    }
    const std::lock_guard lock(mutex_);
    batch->changes = std::move(changes);
    batch->done = true;
    changed_->notify_all();
  }
}

}  // namespace channels
