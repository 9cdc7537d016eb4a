// The third step of a follower's turn: all outcomes are saved by one _bulk_docs, or by two at once if they are many.
#include "base/check.h"
#include "engine/batches.h"
#include "engine/follower.h"
#include "engine/local_mark.h"
#include "engine/rebase.h"

namespace channels {

namespace {

constexpr int most_rebases = 5;
constexpr seconds save_again_after{2};

Document to_be_saved(const Verdicts::ToSave& entry) {
  check(doc_id(entry.doc) == entry.item->id, "a handler answered with another document");
  Document doc = entry.doc;
  // CouchDB takes an edit of a deletion for a conflict; without a rev it is a new beginning.
  if (entry.item->deleted) doc.erase("_rev");
  return doc;
}

}  // namespace

Document Follower::next_mark() {
  const std::lock_guard lock(mutex_);
  return local_mark(counter_ + 1, life_);
}

void Follower::mark_saved() {
  const std::lock_guard lock(mutex_);
  ++counter_;
  unmarked_ = false;
}

void Follower::save(Verdicts& verdicts) {
  if (verdicts.to_save.empty()) return;
  std::vector<Document> docs;
  for (const auto& entry : verdicts.to_save) docs.push_back(to_be_saved(entry));
  const bool marked = !rules_.is_for_design_only();
  if (marked) docs.push_back(next_mark());
  const std::vector<Saved> results = save_documents(database_, docs, bench_.saving, bench_.split_from);
  if (marked && results.back().ok()) mark_saved();
  std::vector<Item*> overtaken;
  for (std::size_t i = 0; i < verdicts.to_save.size(); ++i) {
    Item& item = *verdicts.to_save[i].item;
    if (results[i].outcome == Saved::Outcome::conflict && item.lease) {
      overtaken.push_back(&item);
    } else {
      after_save(verdicts, item, docs[i], results[i]);
    }
  }
  save_rebased(verdicts, overtaken);
}

void Follower::after_save(Verdicts& verdicts, Item& item, const Document& doc, const Saved& saved) {
  if (saved.outcome == Saved::Outcome::conflict) {
    // Someone was faster: read again, match again.
    trace(item, TraceLine::Outcome::overtaken, "somebody saved it meanwhile");
    verdicts.waiting.emplace_back(&item, bench_.env.mono_now());
    return;
  }
  const MonoTime again = bench_.env.mono_now() + save_again_after;
  if (saved.outcome == Saved::Outcome::failed && item.lease && again < item.lease->until) {
    // It has acted: what came of that is kept as long as nobody else can take it up.
    const std::lock_guard lock(mutex_);
    items_.save_again(item, again);
    return;
  }
  if (item.lease) verdicts.ended_leases.push_back(*item.lease);
  if (saved.outcome == Saved::Outcome::failed) {
    failed(verdicts, item, {"the database could not save the result: " + saved.reason, {}});
    return;
  }
  if (saved.outcome == Saved::Outcome::rejected) {
    failed(verdicts, item, {"the database's validation refused the result: " + saved.reason, {}});
    return;
  }
  trace(item, TraceLine::Outcome::saved, doc_state(doc));
  verdicts.settled.push_back(&item);
  const bool has_no_rule = rule_for(item.id, is_deleted(doc), doc) == nullptr;
  if (!has_no_rule || saved.outcome != Saved::Outcome::saved) return;
  const std::lock_guard lock(mutex_);
  echoes_.expect(item.id, saved.rev);
}

// An unsafe run has acted already, so its result is put on whatever the document is now, if that
// is still in the state that was acted on; running it again would act twice.
void Follower::save_rebased(Verdicts& verdicts, const std::vector<Item*>& overtaken) {
  std::vector<Item*> left = overtaken;
  for (int tries = 0; !left.empty() && tries < most_rebases; ++tries) {
    std::vector<std::string> ids;
    for (const Item* item : left) ids.push_back(item->id);
    const auto fresh = read_documents(database_, ids, bench_.log);
    std::vector<Document> docs;
    std::vector<Item*> saving;
    for (std::size_t i = 0; i < left.size(); ++i) {
      const Document& wanted = std::get<Save>(*left[i]->outcome).doc;
      auto merged = fresh[i] ? rebase(left[i]->doc, wanted, *fresh[i]) : std::nullopt;
      if (merged) {
        docs.push_back(std::move(*merged));
        saving.push_back(left[i]);
        continue;
      }
      bench_.log.info("the result of an unsafe run no longer applies to " + escaped(left[i]->id) +
                      " in " + database_.name());
      trace(*left[i], TraceLine::Outcome::overtaken, "its result no longer applies: it was set to another state meanwhile");
      verdicts.ended_leases.push_back(*left[i]->lease);
      verdicts.waiting.emplace_back(left[i], bench_.env.mono_now());
    }
    const std::vector<Saved> results = save_documents(database_, docs);
    left.clear();
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i].outcome == Saved::Outcome::conflict) {
        left.push_back(saving[i]);
      } else {
        after_save(verdicts, *saving[i], docs[i], results[i]);
      }
    }
  }
  // Still overtaken: it stays finished, and the next turn tries again.
}

}  // namespace channels
