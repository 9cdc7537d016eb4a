#include "workflows/rollout/template_store.h"

#include "base/digest.h"
#include "base/errors.h"

namespace channels {

namespace {

constexpr std::string_view templates_id = "templates";
// No id is after it: U+10FFFD, the last character that is one.
constexpr std::string_view last_id = "\xf4\x8f\xbf\xbd";
// More than may be, so that too many are seen.
constexpr std::size_t most_rows = most_template_docs + 20;

std::string kept_id(const std::string& id, const std::string& digest) {
  return "templatedoc-" + sha256_hex(id + "\n" + digest);
}

bool is_empty_list(const json::object* part, const char* key) {
  const json::array* list = part == nullptr ? nullptr : get_array(*part, key);
  return list == nullptr || list->empty();
}

// Whatever stands there goes into every channel, under an admin's name.
bool is_open_to_all(Database& database) {
  const json::object security = database.security();
  const json::object* members = get_object(security, "members");
  return is_empty_list(members, "names") && is_empty_list(members, "roles");
}

std::vector<std::string> ids_of_kept(const TemplateHistory& history, const std::string& version) {
  std::vector<std::string> ids;
  if (const auto* docs = history.docs_of(version)) {
    for (const auto& [id, digest] : *docs) ids.push_back(kept_id(id, digest));
  }
  return ids;
}

}  // namespace

Parsed<ChannelTemplate> read_template_db(Services& services) {
  Database database(services.server, services.options.template_db);
  if (is_open_to_all(database)) return Invalid::because("is open to everybody: give it a _security with members");
  try {
    return template_of(database.all_docs({{"startkey", ""},
                                          {"endkey", last_id},
                                          {"limit", most_rows},
                                          {"include_docs", true},
                                          {"attachments", true}}));
  } catch (const Unreadable&) {
    return Invalid::because("is too large, or nested too deep");
  }
}

TemplateHistory template_history(Services& services) {
  return TemplateHistory(services.registry.get(templates_id).value_or(Document{}));
}

void keep_template(Services& services, const ChannelTemplate& kept) {
  for (const auto& [id, doc] : kept.docs) {
    services.registry.update(kept_id(id, doc.digest), [&](Document& current) {
      if (current.contains("doc")) return false;
      current["type"] = "templatedoc";
      current["doc"] = doc.doc;
      return true;
    });
  }
  services.registry.update(templates_id, [&](Document& templates) {
    note_version(templates, kept, format_time(services.env.wall_now()));
    return true;
  });
}

std::optional<ChannelTemplate> load_template(Services& services, const std::string& version) {
  ChannelTemplate loaded{version, {}};
  if (version.empty()) return loaded;
  const TemplateHistory history = template_history(services);
  const auto* docs = history.docs_of(version);
  if (docs == nullptr) return std::nullopt;
  const auto found = services.registry.database().get_many(ids_of_kept(history, version));
  std::size_t place = 0;
  for (const auto& [id, digest] : *docs) {
    const auto& kept = found[place++];
    const json::object* doc = kept ? get_object(*kept, "doc") : nullptr;
    if (doc == nullptr) return std::nullopt;
    loaded.docs[id] = {digest, *doc};
  }
  return loaded;
}

void drop_templates_but(Services& services, const std::set<std::string>& versions) {
  const TemplateHistory history = template_history(services);
  std::set<std::string> wanted;
  for (const std::string& version : versions) {
    for (std::string& id : ids_of_kept(history, version)) wanted.insert(std::move(id));
  }
  Database& registry = services.registry.database();
  std::vector<Document> gone;
  for (const json::object& row : registry.all_docs({{"startkey", "templatedoc-"}, {"endkey", "templatedoc-~"}})) {
    const json::object* value = get_object(row, "value");
    const std::string id = string_or(row, "id", "");
    if (value != nullptr && !wanted.contains(id))
      gone.push_back({{"_id", id}, {"_rev", string_or(*value, "rev", "")}, {"_deleted", true}});
  }
  registry.save_all(gone);
}

}  // namespace channels
