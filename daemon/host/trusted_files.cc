#include <sys/stat.h>

#include <algorithm>

#include "host/settings.h"

namespace channels {

namespace {

bool is_trusted(const std::filesystem::path& path, mode_t kind, uid_t owner) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0 || (found.st_mode & S_IFMT) != kind) return false;
  return found.st_uid == owner && (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

std::string is_ignored(const std::filesystem::path& path) {
  return path.string() + " is ignored: it must belong to root, and nobody else may write it";
}

}  // namespace

Parsed<Sections> read_trusted_files(const std::string& folder, uid_t owner, std::vector<std::string>& warnings) {
  std::vector<std::filesystem::path> files;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    if (entry.path().extension() != ".ini") continue;
    if (is_trusted(entry.path(), S_IFREG, owner)) {
      files.push_back(entry.path());
    } else {
      warnings.push_back(is_ignored(entry.path()));
    }
  }
  if (!files.empty() && !is_trusted(folder, S_IFDIR, owner)) {
    warnings.push_back(is_ignored(folder));
    return Sections{};
  }
  std::sort(files.begin(), files.end());
  return read_ini_files(files);
}

}  // namespace channels
