// The third step of a follower's turn: all outcomes are saved by one _bulk_docs, or by two at once if they are many.
#include <algorithm>

#include "base/check.h"
#include "engine/batches.h"
#include "engine/follower.h"
#include "engine/local_mark.h"
#include "engine/rebase.h"

namespace channels {

namespace {

constexpr int most_rebases = 5;

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
  for (const auto& entry : verdicts.to_save) docs.insert(docs.end(), entry.beside.begin(), entry.beside.end());
  const bool marked = !rules_.is_for_design_only();
  if (marked) docs.push_back(next_mark());
  const std::vector<Saved> results = save_documents(database_, docs, bench_.saving, bench_.split_from);
  if (marked && results.back().ok()) mark_saved();
  std::vector<Item*> overtaken;
  std::span<const Saved> beside = std::span(results).subspan(verdicts.to_save.size());
  for (std::size_t i = 0; i < verdicts.to_save.size(); ++i) {
    const Verdicts::ToSave& entry = verdicts.to_save[i];
    Item& item = *entry.item;
    const bool is_at_rest = after_saving_beside(entry, beside.first(entry.beside.size()));
    beside = beside.subspan(entry.beside.size());
    if (results[i].outcome == Saved::Outcome::conflict && item.lease) {
      overtaken.push_back(&item);
    } else {
      after_save(verdicts, item, docs[i], results[i], is_at_rest);
    }
  }
  save_rebased(verdicts, overtaken);
}

// Gives whether the row of the entry's own document needs no look: where one beside it was not saved, its rule has to see to that.
bool Follower::after_saving_beside(const Verdicts::ToSave& entry, std::span<const Saved> saved) {
  for (std::size_t i = 0; i < saved.size(); ++i) {
    if (saved[i].ok()) expect_echo(entry.beside[i], saved[i], entry.at_rest);
  }
  return entry.at_rest && std::all_of(saved.begin(), saved.end(), [](const Saved& each) { return each.ok(); });
}

// Of a document whose rule, if there is one, has nothing to do with it; that of another's making may have.
void Follower::expect_echo(const Document& doc, const Saved& saved, bool is_at_rest) {
  const Rule* rule = rule_for(doc_id(doc), is_deleted(doc), doc);
  const bool needs_look = rule != nullptr && (!is_at_rest || rule->extension != nullptr);
  if (needs_look || saved.outcome != Saved::Outcome::saved) return;
  const std::lock_guard lock(mutex_);
  echoes_.expect(doc_id(doc), saved.rev);
}

void Follower::after_save(Verdicts& verdicts, Item& item, const Document& doc, const Saved& saved, bool is_at_rest) {
  if (saved.outcome == Saved::Outcome::conflict) {
    // Someone was faster: read again, match again.
    trace(item, TraceLine::Outcome::overtaken, "somebody saved it meanwhile");
    verdicts.waiting.emplace_back(&item, bench_.env.mono_now());
    return;
  }
  if (item.lease) verdicts.ended_leases.push_back(*item.lease);
  if (saved.outcome == Saved::Outcome::rejected) {
    failed(verdicts, item, {"the database's validation refused the result: " + saved.reason, {}});
    return;
  }
  trace(item, TraceLine::Outcome::saved, doc_state(doc));
  verdicts.settled.push_back(&item);
  expect_echo(doc, saved, is_at_rest);
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
