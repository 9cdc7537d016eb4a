#include "programs/couch_requests.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace channels {

namespace {

std::string decoded(std::string_view text, bool plus_is_blank) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const bool is_escape = text[i] == '%' && i + 2 < text.size();
    if (is_escape && std::from_chars(&text[i + 1], &text[i + 1] + 2, value, 16).ptr == &text[i + 1] + 2) {
      result += static_cast<char>(value);
      i += 2;
    } else {
      result += plus_is_blank && text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

template <std::size_t count>
bool is_one_of(std::string_view word, const std::array<std::string_view, count>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Also where CouchDB would find it only after decoding an "%2F".
bool has_part(const RequestTarget& target, std::string_view part) {
  return std::any_of(target.segments.begin(), target.segments.end(), [&](const std::string& segment) {
    return ("/" + segment + "/").find("/" + std::string(part) + "/") != std::string::npos;
  });
}

// A POST that only asks.
bool is_question(const RequestTarget& target) {
  constexpr std::array<std::string_view, 9> of_database{"_all_docs", "_find",      "_explain",      "_bulk_get",  "_changes",
                                                        "_revs_diff", "_local_docs", "_design_docs", "_missing_revs"};
  const auto& path = target.segments;
  if (path.size() == 1) return path[0] == "_dbs_info";
  if (path.size() == 2) return is_one_of(path[1], of_database);
  if (path.size() == 3) return is_one_of(path[1], std::array<std::string_view, 3>{"_all_docs", "_local_docs", "_design_docs"}) && path[2] == "queries";
  if (path[1] == "_partition" && path.size() == 4) return is_one_of(path[3], std::array<std::string_view, 3>{"_all_docs", "_find", "_explain"});
  const bool is_of_design = path[1] == "_design" && is_one_of(path[3], std::array<std::string_view, 3>{"_view", "_search", "_nouveau"});
  return is_of_design && (path.size() == 5 || (path.size() == 6 && path[5] == "queries"));
}

}  // namespace

std::string RequestTarget::parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (decoded(pair.substr(0, equals), true) == name) return decoded(pair.substr(std::min(equals + 1, pair.size())), true);
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
  }
  return {};
}

RequestTarget parse_target(std::string_view target) {
  RequestTarget parsed;
  const std::size_t question = std::min(target.find('?'), target.size());
  parsed.query = target.substr(std::min(question + 1, target.size()));
  std::string_view path = target.substr(0, question);
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) parsed.segments.push_back(decoded(path.substr(0, slash), false));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parsed;
}

bool is_reading(std::string_view method, const RequestTarget& target) {
  if (method == "GET" || method == "HEAD") return !has_part(target, "_update") && !has_part(target, "_rewrite");
  return method == "POST" && is_question(target);
}

std::string document_of(const RequestTarget& target) {
  const auto& path = target.segments;
  if (path.size() < 2) return {};
  if (path[1] == "_design" || path[1] == "_local") return path.size() == 3 ? path[1] + "/" + path[2] : "";
  const bool is_inner = path[1].starts_with('_') && !path[1].starts_with("_design/") && !path[1].starts_with("_local/");
  return path.size() == 2 && !is_inner ? path[1] : "";
}

}  // namespace channels
