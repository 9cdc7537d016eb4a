#include "base/errors.h"
#include "base/log.h"
#include "calls/doctor/visit.h"

namespace channels {

namespace {

constexpr milliseconds longest_look = seconds(15);

}  // namespace

std::string Look::what() const {
  if (status == 0) return trouble;
  const json::object answer = object();
  const std::string reason = string_or(answer, "reason", "");
  return "answered " + std::to_string(status) +
         (reason.empty() ? "" : " (" + escaped(reason) + ")");
}

json::object Look::object() const {
  const auto parsed = parse_json(body);
  const json::object* found = parsed ? parsed->if_object() : nullptr;
  return found == nullptr ? json::object() : *found;
}

Look look_at(const Visit& visit, const std::string& method, const std::string& url,
             const std::string& body, std::vector<std::pair<std::string, std::string>> headers) {
  HttpRequest request;
  request.method = method;
  request.url = url;
  request.body = body;
  request.headers = std::move(headers);
  if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  request.timeout = longest_look;
  request.wants_headers = true;
  Look look;
  try {
    HttpResponse response = visit.transport.send(request);
    look.status = response.status;
    look.body = std::move(response.body);
    look.headers = std::move(response.headers);
  } catch (const Unavailable& trouble) {
    look.trouble = trouble.what();
  }
  return look;
}

std::string value_in(const Sections& sections, std::string_view section, std::string_view key) {
  const auto found = sections.find(section);
  if (found == sections.end()) return {};
  const auto value = found->second.find(key);
  return value == found->second.end() ? std::string() : value->second;
}

std::string auth_value_in(const Sections& sections, std::string_view key) {
  const std::string value = value_in(sections, "chttpd_auth", key);
  return value.empty() ? value_in(sections, "couch_httpd_auth", key) : value;
}

}  // namespace channels
