#include "couch/joint_saves.h"

#include <iterator>

#include "base/errors.h"

namespace channels {

namespace {

// Above one, so that nobody waits out a request whose answer is lost; with more, fewer documents gather.
constexpr int most_under_way = 2;
// Validation makes a bulk slow by the document: all who are in it wait for the last.
constexpr std::size_t most_docs = 50;
// Whoever ends a request notifies; the time is only an end to the wait.
constexpr seconds longest_wait{60};

}  // namespace

JointSaves::JointSaves(Env& env, Database database)
    : env_(env), database_(std::move(database)), changed_(env.make_signal()) {}

std::vector<Saved> JointSaves::save_all(std::span<const Document> docs) {
  if (docs.empty()) return {};
  const auto own = std::make_shared<Letter>(Letter{{docs.begin(), docs.end()}});
  {
    std::unique_lock lock(mutex_);
    waiting_.push_back(own);
    while (!own->is_done) {
      if (under_way_ >= most_under_way || waiting_.empty()) {
        changed_->wait_until(lock, env_.mono_now() + longest_wait);
        continue;
      }
      const Letters letters = take();
      ++under_way_;
      lock.unlock();
      send(letters);
      lock.lock();
      --under_way_;
      for (const auto& letter : letters) letter->is_done = true;
      changed_->notify_all();
    }
  }
  if (own->is_refused) return database_.save_part(docs);
  if (own->thrown) std::rethrow_exception(own->thrown);
  return std::move(own->saved);
}

// The first one whole, whatever its size.
JointSaves::Letters JointSaves::take() {
  Letters letters;
  std::size_t count = 0;
  while (!waiting_.empty() && (letters.empty() || count + waiting_.front()->docs.size() <= most_docs)) {
    count += waiting_.front()->docs.size();
    letters.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return letters;
}

// Nobody else looks at a letter before it is done.
void JointSaves::send(const Letters& letters) {
  std::vector<Document> docs;
  for (const auto& letter : letters) docs.insert(docs.end(), letter->docs.begin(), letter->docs.end());
  try {
    const std::vector<Saved> saved = database_.save_all(docs);
    auto at = saved.begin();
    for (const auto& letter : letters) {
      const auto end = at + static_cast<std::ptrdiff_t>(letter->docs.size());
      letter->saved.assign(at, end);
      at = end;
    }
  } catch (const Refused&) {
    for (const auto& letter : letters) {
      letter->is_refused = letters.size() > 1;
      letter->thrown = std::current_exception();
    }
  } catch (...) {
    for (const auto& letter : letters) letter->thrown = std::current_exception();
  }
}

}  // namespace channels
