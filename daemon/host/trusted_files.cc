#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "host/settings.h"

namespace channels {

namespace {

bool is_trusted(const std::filesystem::path& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) return false;
  return (file.st_uid == 0 || file.st_uid == geteuid()) && (file.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

Parsed<Sections> read_trusted_files(const std::string& folder, std::vector<std::string>& warnings) {
  std::vector<std::filesystem::path> files;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    if (entry.path().extension() != ".ini") continue;
    if (is_trusted(entry.path())) {
      files.push_back(entry.path());
    } else {
      warnings.push_back(entry.path().string() + " is ignored: it must belong to root, and nobody else may write it");
    }
  }
  std::sort(files.begin(), files.end());
  return read_ini_files(files);
}

}  // namespace channels
