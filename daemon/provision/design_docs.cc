#include "provision/design_docs.h"

#include <charconv>
#include <map>
#include <span>

#include "base/check.h"
#include "base/embedded_file.h"
#include "base/errors.h"

namespace channels {

// Generated from design_docs/ by cmake/embed_files.cmake.
std::span<const EmbeddedFile> embedded_design_docs();

namespace {

constexpr std::string_view design_id = "_design/channels";

std::int64_t whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  check(result.ec == std::errc() && number > 0, "a design document's version is no whole number");
  return number;
}

// "views/devices/map.js" -> doc.views.devices.map
void put_function(Document& doc, std::string_view path, std::string_view text) {
  check(path.ends_with(".js"), "a design document holds a file that is no function");
  path.remove_suffix(3);
  json::object* place = &doc;
  for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/')) {
    json::value& below = (*place)[path.substr(0, slash)];
    if (!below.is_object()) below = json::object();
    place = &below.as_object();
    path.remove_prefix(slash + 1);
  }
  (*place)[path] = text;
}

Document read_design_doc(std::string_view folder) {
  Document doc{{"_id", design_id}, {"language", "javascript"}};
  const std::string prefix = std::string(folder) + "/";
  for (const EmbeddedFile& file : embedded_design_docs()) {
    if (!file.path.starts_with(prefix)) continue;
    const std::string_view path = file.path.substr(prefix.size());
    if (path == "version") {
      doc["version"] = whole_number(file.text);
    } else {
      put_function(doc, path, file.text);
    }
  }
  check(doc.contains("version"), "a design document has no version");
  return doc;
}

}  // namespace

Document design_doc(std::string_view folder) {
  return read_design_doc(folder);
}

int design_doc_version(std::string_view folder) {
  return static_cast<int>(int_or(read_design_doc(folder), "version", 0));
}

std::optional<Document> mended_design_doc(std::string_view folder,
                                          const std::optional<Document>& current) {
  Document wanted = design_doc(folder);
  if (!current) return wanted;
  if (int_or(*current, "version", 0) > wanted.at("version").as_int64()) return std::nullopt;
  if (!doc_rev(*current).empty()) wanted["_rev"] = doc_rev(*current);
  if (same_content(wanted, *current)) return std::nullopt;
  return wanted;
}

void ensure_design_doc(Database& database, std::string_view folder) {
  for (int tries = 0; tries < 5; ++tries) {
    const auto mended = mended_design_doc(folder, database.get(design_id));
    if (!mended) return;
    if (database.save(*mended).ok()) return;
  }
  throw Unavailable("the design document of " + database.name() + " changes all the time");
}

}  // namespace channels
