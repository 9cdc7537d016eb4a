#include "workflows/rollout/channel_template.h"

#include <algorithm>

#include "base/digest.h"

namespace channels {

namespace {

constexpr std::size_t most_versions = 20;
constexpr std::size_t digest_digits = 32;
constexpr std::string_view design_prefix = "_design/";
constexpr std::string_view temporary_suffix = ".next";

// With members in the order of their names, whatever order they were sent in.
json::value sorted(const json::value& value) {
  if (const json::array* array = value.if_array()) {
    json::array out;
    for (const json::value& entry : *array) out.push_back(sorted(entry));
    return out;
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return value;
  std::vector<std::string_view> keys;
  for (const auto& [key, member] : *object) keys.emplace_back(key.data(), key.size());
  std::sort(keys.begin(), keys.end());
  json::object out;
  for (const std::string_view key : keys) out[key] = sorted(object->at(key));
  return out;
}

json::object attachments_in_short(const json::object& attachments) {
  json::object out;
  for (const auto& [name, value] : attachments) {
    const json::object* attachment = value.if_object();
    if (attachment == nullptr) continue;
    out[name] = {string_or(*attachment, "content_type", ""), string_or(*attachment, "digest", "")};
  }
  return out;
}

std::string short_digest(std::string_view text) {
  return sha256_hex(text).substr(0, digest_digits);
}

// CouchDB's own members go, attachments are sent with their data.
Document as_written(const Document& stored) {
  Document doc;
  for (const auto& [key, value] : stored) {
    if (key == "_id" || !key.starts_with('_')) doc[key] = value;
  }
  const json::object* attachments = get_object(stored, "_attachments");
  if (attachments == nullptr) return doc;
  json::object sent;
  for (const auto& [name, value] : *attachments) {
    if (const json::object* attachment = value.if_object())
      sent[name] = {{"content_type", string_or(*attachment, "content_type", "")},
                    {"data", string_or(*attachment, "data", "")}};
  }
  doc["_attachments"] = std::move(sent);
  return doc;
}

std::string version_of(const std::map<std::string, TemplateDoc>& docs) {
  if (docs.empty()) return "";
  std::string all;
  for (const auto& [id, doc] : docs) all += id + "\n" + doc.digest + "\n";
  return short_digest(all);
}

}  // namespace

std::string content_digest(const Document& doc) {
  Document content;
  for (const auto& [key, value] : doc) {
    if (!key.starts_with('_')) content[key] = value;
  }
  const json::object* attachments = get_object(doc, "_attachments");
  if (attachments != nullptr && !attachments->empty())
    content["_attachments"] = attachments_in_short(*attachments);
  return short_digest(json::serialize(sorted(content)));
}

bool may_be_in_template(std::string_view id) {
  if (id.empty() || id == "description" || id == "_design/channels") return false;
  return !(id.starts_with(design_prefix) && id.ends_with(temporary_suffix));
}

std::string temporary_id(std::string_view design_id) {
  return std::string(design_id) + std::string(temporary_suffix);
}

Parsed<ChannelTemplate> template_of(const std::vector<json::object>& rows) {
  ChannelTemplate made;
  std::size_t bytes = 0;
  for (const json::object& row : rows) {
    const std::string id = string_or(row, "id", "");
    const json::object* stored = get_object(row, "doc");
    if (stored == nullptr || !may_be_in_template(id)) continue;
    Document doc = as_written(*stored);
    bytes += json::serialize(doc).size();
    made.docs[id] = {content_digest(*stored), std::move(doc)};
  }
  if (made.docs.size() > most_template_docs)
    return Invalid::because("has more than " + std::to_string(most_template_docs) + " documents");
  if (bytes > largest_template)
    return Invalid::because("is larger than " + std::to_string(largest_template >> 20) + " MB, attachments in base64");
  made.version = version_of(made.docs);
  return made;
}

Document index_part(const Document& design_doc) {
  const json::object* views = get_object(design_doc, "views");
  if (views == nullptr) return {};
  const bool any = std::any_of(views->begin(), views->end(), [](const auto& view) {
    const json::object* functions = view.value().if_object();
    return functions != nullptr && functions->contains("map");
  });
  if (!any) return {};
  Document part;
  for (const char* key : {"views", "language", "options"}) {
    if (const json::value* value = design_doc.if_contains(key)) part[key] = sorted(*value);
  }
  return part;
}

TemplateHistory::TemplateHistory(const Document& templates) {
  const json::array* versions = get_array(templates, "versions");
  if (versions == nullptr) return;
  for (const json::value& value : *versions) {
    const json::object* entry = value.if_object();
    const json::object* docs = entry == nullptr ? nullptr : get_object(*entry, "docs");
    if (docs == nullptr) continue;
    auto& known = versions_[string_or(*entry, "version", "")];
    for (const auto& [id, digest] : *docs) {
      known[id] = string_or(*docs, id, "");
      ids_.emplace(id);
    }
  }
}

bool TemplateHistory::ever_had(const std::string& id, const std::string& digest) const {
  return std::any_of(versions_.begin(), versions_.end(), [&](const auto& version) {
    const auto found = version.second.find(id);
    return found != version.second.end() && found->second == digest;
  });
}

bool TemplateHistory::had(const std::string& version, const std::string& id) const {
  if (version.empty()) return false;
  const auto* docs = docs_of(version);
  return docs == nullptr ? ids_.contains(id) : docs->contains(id);
}

const std::map<std::string, std::string>* TemplateHistory::docs_of(const std::string& version) const {
  const auto found = versions_.find(version);
  return found == versions_.end() ? nullptr : &found->second;
}

void note_version(Document& templates, const ChannelTemplate& added, const std::string& time) {
  json::array versions;
  if (const json::array* before = get_array(templates, "versions")) {
    for (const json::value& value : *before) {
      const json::object* entry = value.if_object();
      if (entry != nullptr && string_or(*entry, "version", "") != added.version) versions.push_back(value);
    }
  }
  json::object docs;
  for (const auto& [id, doc] : added.docs) docs[id] = doc.digest;
  versions.push_back(json::object{{"version", added.version}, {"time", time}, {"docs", std::move(docs)}});
  while (versions.size() > most_versions) versions.erase(versions.begin());
  templates["type"] = "templates";
  templates["versions"] = std::move(versions);
}

std::shared_ptr<const ChannelTemplate> TemplateInUse::get() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

void TemplateInUse::put(std::shared_ptr<const ChannelTemplate> used) {
  const std::lock_guard lock(mutex_);
  used_ = std::move(used);
}

}  // namespace channels
