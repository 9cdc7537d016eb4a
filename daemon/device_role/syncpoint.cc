#include "device_role/syncpoint.h"

#include <algorithm>

namespace channels {

namespace {

// What url_encode leaves of a database's name, and what it makes of the rest.
constexpr std::string_view segment_characters = "abcdefghijklmnopqrstuvwxyz0123456789_$()+-%ABCDEF";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

Parsed<std::string> parse_cloud_url(std::string_view text) {
  std::string url(text);
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == url.npos ? 0 : scheme + 3;
  const std::size_t path = std::min(url.find('/', host), url.size());
  std::transform(url.begin(), url.begin() + static_cast<std::ptrdiff_t>(path), url.begin(), lower);
  const bool good_scheme = url.starts_with("http://") || url.starts_with("https://");
  const bool plain =
      std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!good_scheme || path == host || !plain || url.find_first_of("@?#\\") != url.npos)
    return Invalid::because(
        "must be the installation's public_url, as https://sync.example.com/: without name, "
        "password, query or fragment");
  if (!url.ends_with('/')) url += '/';
  return url;
}

bool accepts_syncpoint(std::string_view cloud, std::string_view syncpoint, std::string_view id) {
  if (id.empty() || !syncpoint.starts_with(cloud)) return false;
  const std::string_view segment = syncpoint.substr(cloud.size());
  if (segment.find_first_not_of(segment_characters) != segment.npos) return false;
  const std::string ending = "-" + std::string(id);
  return segment.size() > ending.size() && segment.ends_with(ending);
}

bool travels_in_clear(std::string_view cloud) {
  if (!cloud.starts_with("http://")) return false;
  const std::string_view host = cloud.substr(7, cloud.find_first_of(":/", 7) - 7);
  return host != "127.0.0.1" && host != "localhost" && !cloud.starts_with("http://[::1]");
}

}  // namespace channels
