#include "host/ini.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace channels {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\f\v";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string_view without_comment(std::string_view line) {
  line = trimmed(line);
  if (line.starts_with(';')) return {};
  return trimmed(line.substr(0, std::min(line.find(" ;"), line.find("\t;"))));
}

void put_pair(std::string_view line, Section& section) {
  // " = " first: a key may hold "=".
  const std::size_t spaced = line.find(" = ");
  const std::size_t sign = spaced == line.npos ? line.find('=') : spaced + 1;
  if (sign == line.npos) return;
  const std::string_view key = trimmed(line.substr(0, sign));
  const std::string_view value = trimmed(line.substr(sign + 1));
  if (!key.empty() && !value.empty()) section[std::string(key)] = value;
}

std::vector<std::filesystem::path> expanded(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::filesystem::path> files;
  for (const auto& path : paths) {
    std::error_code failure;
    if (!std::filesystem::is_directory(path, failure)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::filesystem::path> inside;
    for (const auto& entry : std::filesystem::directory_iterator(path, failure)) {
      if (entry.path().extension() == ".ini") inside.push_back(entry.path());
    }
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

}  // namespace

const Section& section_of(const Sections& sections, std::string_view name) {
  static const Section none;
  const auto found = sections.find(name);
  return found == sections.end() ? none : found->second;
}

void parse_ini(std::string_view text, Sections& sections) {
  std::string section;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view line = without_comment(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('[')) {
      if (line.size() > 2 && line.find(']') == line.size() - 1) section = line.substr(1, line.size() - 2);
    } else if (!section.empty()) {
      put_pair(line, sections[section]);
    }
  }
}

Parsed<Sections> read_ini_files(const std::vector<std::filesystem::path>& paths) {
  Sections sections;
  for (const auto& path : expanded(paths)) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Invalid::because(path.string() + " cannot be read");
    parse_ini(std::string(std::istreambuf_iterator<char>(in), {}), sections);
  }
  return sections;
}

}  // namespace channels
