#include "meter.h"

#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

namespace channels {

namespace {

double in_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

long count_of(std::string_view text, std::string_view part) {
  long found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

long status_kb(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) return std::strtol(line.c_str() + field.size(), nullptr, 10);
  }
  return 0;
}

}  // namespace

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
}

long resident_kb() {
  return status_kb("VmRSS:");
}

// Not getrusage's: that one begins with what the process had been before exec, a copy of Node.
long peak_resident_kb() {
  return status_kb("VmHWM:");
}

HttpResponse CountingTransport::send(const HttpRequest& request) {
  HttpResponse response = curl_.send(request);
  count(request, response);
  return response;
}

HttpResponse CountingTransport::stream(const HttpRequest& request, milliseconds silence,
                                       const std::function<bool(std::string_view)>& receive) {
  {
    const std::lock_guard lock(mutex_);
    ++kinds_[kind_of(request)];
  }
  return curl_.stream(request, silence, receive);
}

std::string CountingTransport::kind_of(const HttpRequest& request) const {
  const std::string path = request.url.substr(0, request.url.find('?'));
  std::string last = path.substr(path.rfind('/') + 1);
  if (!last.starts_with('_') && path.find("/_view/") == path.npos) last = "document or database";
  if (request.url.find("feed=longpoll") != request.url.npos) last += " (long-poll)";
  return (request.url.find(registry_) == request.url.npos ? "" : "registry ") + last;
}

void CountingTransport::count(const HttpRequest& request, const HttpResponse& response) {
  const bool is_registry = request.url.find(registry_) != request.url.npos;
  const bool is_save = !is_registry && request.url.ends_with("/_bulk_docs");
  // The engine's own mark in a database goes with a batch, and is none of the measured documents.
  const long saved = is_save ? count_of(response.body, "\"ok\":true") - count_of(response.body, "\"id\":\"_local/") : 0;
  {
    const std::lock_guard lock(mutex_);
    const std::string kind = kind_of(request);
    ++kinds_[kind];
    saved_ += saved;
    bytes_in_ += static_cast<long>(response.body.size());
    const MonoTime now = std::chrono::steady_clock::now();
    if (kind == "_changes" || kind == "_bulk_docs") last_request_ = now;
    if (!reached_ && expected_ > 0 && saved_ >= expected_) {
      reached_ = now;
      changed_.notify_all();
    }
  }
  if (is_save && on_saved) on_saved(request.url);
}

void CountingTransport::expect(long documents) {
  const std::lock_guard lock(mutex_);
  kinds_.clear();
  saved_ = 0;
  bytes_in_ = 0;
  expected_ = documents;
  reached_.reset();
  last_request_ = std::chrono::steady_clock::now();
}

std::optional<MonoTime> CountingTransport::wait_for_saves(milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [this] { return reached_.has_value(); });
  return reached_;
}

MonoTime CountingTransport::wait_for_quiet(milliseconds quiet, milliseconds limit) {
  const MonoTime end = std::chrono::steady_clock::now() + limit;
  std::unique_lock lock(mutex_);
  while (true) {
    const MonoTime now = std::chrono::steady_clock::now();
    if (now - last_request_ >= quiet || now >= end) return last_request_;
    changed_.wait_until(lock, std::min(end, last_request_ + quiet));
  }
}

json::object CountingTransport::counts() {
  const std::lock_guard lock(mutex_);
  json::object kinds;
  for (const auto& [kind, number] : kinds_) kinds[kind] = number;
  return {{"requests", std::move(kinds)}, {"saved", saved_}, {"bytes_in", bytes_in_}};
}

std::string required_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value != nullptr) return value;
  std::cerr << name << " is not set: node bench/main.mjs does it\n";
  std::exit(2);
}

void tell(const json::object& line) {
  std::cout << json::serialize(line) << std::endl;
}

double seconds_between(MonoTime from, MonoTime to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace channels
