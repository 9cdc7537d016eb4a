#include "engine/read_ahead.h"

#include "base/errors.h"

namespace channels {

std::shared_ptr<ReadAhead::Batch> ReadAhead::start(const Database& database,
                                                   const Database::ChangesQuery& query) {
  const std::lock_guard lock(mutex_);
  std::erase_if(held_, [](const auto& batch) { return batch.expired(); });
  if (held_.size() >= most_) return nullptr;
  auto batch = std::make_shared<Batch>(Batch{database, query, std::nullopt, nullptr});
  batch->query.stop = stop_.get_token();
  batch->task = aside_.start([batch] { batch->changes = batch->database.changes(batch->query); });
  if (batch->task == nullptr) return nullptr;
  held_.push_back(batch);
  return batch;
}

std::optional<Changes> ReadAhead::take(const std::shared_ptr<Batch>& batch) {
  try {
    aside_.wait(batch->task);
  } catch (const std::exception&) {  // Unavailable or Refused: told to who asks again
    return std::nullopt;
  }
  return std::move(batch->changes);
}

}  // namespace channels
