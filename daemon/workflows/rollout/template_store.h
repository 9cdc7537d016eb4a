// The template's documents where they are kept: template_db, which admins write, and the registry, which has those
// versions that channels are brought to or may have to go back to. Used by rollout.cc.
//
//   "templates"                  which version had which documents (channel_template.h)
//   "templatedoc-<digest>"       {"type": "templatedoc", "doc": {...}}, attachments with their data in it
#pragma once

#include <optional>
#include <set>
#include <string>

#include "workflows/rollout/channel_template.h"
#include "workflows/services.h"

namespace channels {

// All of template_db. Invalid: it is open to everybody, or too much for every channel.
Parsed<ChannelTemplate> read_template_db(Services& services);

TemplateHistory template_history(Services& services);

// After this the version can be loaded. Safe to repeat.
void keep_template(Services& services, const ChannelTemplate& kept);
// nullopt if the registry doesn't have all of it (any more).
std::optional<ChannelTemplate> load_template(Services& services, const std::string& version);
// The documents of all other versions go; which there were, and what was in them, stays known.
void drop_templates_but(Services& services, const std::set<std::string>& versions);

}  // namespace channels
