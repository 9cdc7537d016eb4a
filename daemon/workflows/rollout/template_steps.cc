#include "workflows/rollout/template_steps.h"

namespace channels {

std::string word_of(KeptBecause why) {
  switch (why) {
    case KeptBecause::changed: return "changed";
    case KeptBecause::deleted: return "deleted";
    case KeptBecause::taken: return "taken";
  }
  return "changed";
}

Decision decide(const Compared& doc) {
  const bool is_wanted = !doc.wanted.empty();
  switch (doc.there) {
    case Compared::There::never:
      return {is_wanted ? TemplateStep::put : TemplateStep::leave};
    case Compared::There::deleted:
      if (is_wanted && !doc.deleted_by_us) return {TemplateStep::keep, KeptBecause::deleted};
      return {is_wanted ? TemplateStep::put : TemplateStep::leave};
    case Compared::There::live: break;
  }
  if (doc.found == doc.wanted) return {TemplateStep::leave};
  if (doc.is_templates) return {is_wanted ? TemplateStep::put : TemplateStep::remove};
  // One that came and went with an earlier version is no news.
  if (!is_wanted && !doc.was_had) return {TemplateStep::leave};
  return {TemplateStep::keep, doc.was_had ? KeptBecause::changed : KeptBecause::taken};
}

}  // namespace channels
