// What the measurements of bench/ count: requests by kind and documents saved, seen at the transport, and the
// process's own CPU and memory. Used by bench_engine, bench_reaction and bare_client; no part of the program.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/json.h"
#include "http/curl_transport.h"

namespace channels {

// CPU of this process so far, user and system, in seconds.
double cpu_seconds();
// Resident memory in kB, now and at its highest.
long resident_kb();
long peak_resident_kb();

// Passes everything on to libcurl and counts it. Safe from any thread.
class CountingTransport : public Transport {
 public:
  // Documents saved into `registry` are none of the measured ones.
  explicit CountingTransport(std::string registry) : registry_("/" + std::move(registry) + "/") {}

  HttpResponse send(const HttpRequest& request) override;
  HttpResponse stream(const HttpRequest& request, milliseconds silence,
                      const std::function<bool(std::string_view)>& receive) override;

  // Called after each answered _bulk_docs outside of the registry, with its URL, on the thread that sent it.
  std::function<void(const std::string& url)> on_saved;

  // Counts from 0 until `documents` are saved.
  void expect(long documents);
  // When that was so; nullopt if it wasn't within `limit`.
  std::optional<MonoTime> wait_for_saves(milliseconds limit);
  // Waits until no database but the registry was asked anything for so long (waiting long-polls don't count);
  // when the last of these requests ended.
  MonoTime wait_for_quiet(milliseconds quiet, milliseconds limit);

  // {"_changes": 12, "registry _all_docs": 3, ..., "saved": 100, "bytes_in": ...}
  json::object counts();

 private:
  void count(const HttpRequest& request, const HttpResponse& response);
  std::string kind_of(const HttpRequest& request) const;

  CurlTransport curl_;
  const std::string registry_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, long> kinds_;
  long saved_ = 0;
  long bytes_in_ = 0;
  long expected_ = 0;
  std::optional<MonoTime> reached_;
  MonoTime last_request_{};
};

// The document's next state, as the measured rule and the bare clients make it.
constexpr std::string_view measured_type = "job";
constexpr std::string_view state_before = "new";
constexpr std::string_view state_after = "done";

// From COUCHDB_URL, COUCHDB_USER, COUCHDB_PASSWORD; ends the program where one is missing.
std::string required_variable(const char* name);

// Prints one line of JSON for the runner, at once.
void tell(const json::object& line);

double seconds_between(MonoTime from, MonoTime to);

}  // namespace channels
