#include "workflows/audit_queue.h"

#include <algorithm>

#include "workflows/audit.h"

namespace channels {

namespace {

constexpr std::size_t entries_at_once = 500;
// Some 3 MB, while the server is away. What is more waits in the records.
constexpr std::size_t most_entries_waiting = 5000;
// Forgotten, they are written once more, in vain.
constexpr std::size_t most_entries_remembered = 10000;

}  // namespace

void AuditQueue::put(const Document& record) {
  if (!record.contains("audit")) return;
  const std::lock_guard lock(mutex_);
  for (Document& entry : noted_audits(record)) {
    const std::string id = doc_id(entry);
    if (!written_.contains(id) && waiting_.size() < most_entries_waiting) waiting_.emplace(id, std::move(entry));
  }
}

void AuditQueue::strip(Document& record) {
  if (!record.contains("audit")) return;
  json::array left;
  {
    const std::lock_guard lock(mutex_);
    for (Document& entry : noted_audits(record)) {
      if (!written_.contains(doc_id(entry))) left.emplace_back(std::move(entry));
    }
  }
  if (left.empty()) record.erase("audit");
  else record["audit"] = std::move(left);
}

std::vector<Document> AuditQueue::take() {
  const std::lock_guard lock(mutex_);
  std::vector<Document> taken;
  while (!waiting_.empty() && taken.size() < entries_at_once) taken.push_back(std::move(waiting_.extract(waiting_.begin()).mapped()));
  return taken;
}

void AuditQueue::put_back(std::vector<Document> entries) {
  const std::lock_guard lock(mutex_);
  for (Document& entry : entries) {
    const std::string id = doc_id(entry);
    waiting_.emplace(id, std::move(entry));
  }
}

void AuditQueue::written(const std::vector<std::string>& ids) {
  const std::lock_guard lock(mutex_);
  if (written_.size() > most_entries_remembered) written_.clear();
  for (const std::string& id : ids) {
    written_.insert(id);
    waiting_.erase(id);
  }
}

}  // namespace channels
