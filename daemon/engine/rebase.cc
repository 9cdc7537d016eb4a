#include "engine/rebase.h"

namespace channels {

std::optional<Document> rebase(const Document& trigger, const Document& wanted,
                               const Document& fresh) {
  if (doc_type(fresh) != doc_type(trigger) || doc_state(fresh) != doc_state(trigger))
    return std::nullopt;
  Document merged = fresh;
  for (const auto& [key, value] : wanted) {
    const json::value* before = trigger.if_contains(key);
    if (key != "_rev" && (before == nullptr || *before != value)) merged[key] = value;
  }
  for (const auto& [key, value] : trigger) {
    if (!wanted.contains(key)) merged.erase(key);
  }
  return merged;
}

}  // namespace channels
