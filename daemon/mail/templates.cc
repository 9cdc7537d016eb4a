#include "mail/templates.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <kainjow/mustache.hpp>
#include <span>

#include "base/check.h"
#include "base/embedded_file.h"

namespace channels {

// Generated from daemon/mail/templates by cmake/embed_files.cmake.
std::span<const EmbeddedFile> embedded_mail_templates();

namespace {

namespace mustache = kainjow::mustache;

constexpr std::string_view fallback_language = "en";
constexpr std::string_view subject_label = "Subject: ";

enum class Form { text, html };

std::string filled(const std::string& text, const Values& values, Form form) {
  mustache::mustache page(text);
  if (form == Form::text) page.set_custom_escape([](const std::string& value) { return value; });
  mustache::data data;
  for (const auto& [name, value] : values) {
    // Mustache takes an empty string for true.
    if (value.empty()) {
      data.set(name, false);
    } else {
      data.set(name, value);
    }
  }
  return page.render(data);
}

std::optional<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// A template of text, as its two parts: each is filled in by itself.
struct TextParts {
  std::string subject;
  std::string body;
};

std::optional<TextParts> parts_of(const std::string& text) {
  const std::size_t gap = text.find("\n\n");
  if (!text.starts_with(subject_label) || gap == text.npos) return std::nullopt;
  return TextParts{text.substr(subject_label.size(), gap - subject_label.size()), text.substr(gap + 2)};
}

// Empty if the template is right, else what is wrong.
std::string fault_of(std::string_view path, const std::string& text) {
  std::vector<std::string> pages{text};
  if (path.ends_with(".txt")) {
    const auto parts = parts_of(text);
    if (!parts) return "it must begin with \"Subject: ...\" and an empty line";
    pages = {parts->subject, parts->body};
  }
  for (const std::string& page : pages) {
    mustache::mustache parsed(page);
    if (!parsed.is_valid()) return parsed.error_message();
  }
  return "";
}

std::string language_of(std::string_view locale) {
  std::string language;
  for (const char c : locale.substr(0, locale.find_first_of("-_.")))
    language += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return language;
}

}  // namespace

Parsed<Templates> Templates::load(const std::optional<std::filesystem::path>& folder) {
  Templates templates;
  for (const EmbeddedFile& file : embedded_mail_templates()) {
    templates.files_[std::string(file.path)] = file.text;
    check(fault_of(file.path, std::string(file.text)).empty(), "a built-in mail template is wrong");
  }
  if (!folder) return templates;
  std::error_code failure;
  for (std::filesystem::recursive_directory_iterator entry(*folder, failure), end;
       !failure && entry != end; entry.increment(failure)) {
    const std::filesystem::path& path = entry->path();
    if (path.extension() != ".txt" && path.extension() != ".html") continue;
    const auto text = read_file(path);
    if (!text) return Invalid::because(path.string() + " cannot be read");
    const std::string fault = fault_of(path.string(), *text);
    if (!fault.empty()) return Invalid::because(path.string() + ": " + fault);
    templates.files_[path.lexically_relative(*folder).generic_string()] = *text;
  }
  if (failure) return Invalid::because(folder->string() + " cannot be read: " + failure.message());
  return templates;
}

Rendered Templates::render(std::string_view kind, std::string_view locale,
                           const Values& values) const {
  Rendered rendered;
  rendered.language = language_of(locale);
  const auto path = [&](std::string_view ending) {
    return rendered.language + "/" + std::string(kind) + std::string(ending);
  };
  if (!files_.contains(path(".txt")) || !files_.contains(path(".html")))
    rendered.language = fallback_language;
  const auto found = files_.find(path(".txt"));
  check(found != files_.end(), "there is no mail template of that kind");
  const auto parts = parts_of(found->second);
  check(parts.has_value(), "a mail template has no text");
  rendered.subject = filled(parts->subject, values, Form::text);
  rendered.text = filled(parts->body, values, Form::text);
  rendered.html = filled(files_.at(path(".html")), values, Form::html);
  return rendered;
}

}  // namespace channels
