#include "http/curl_transport.h"

#include <curl/curl.h>
#include <strings.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <memory>
#include <thread>

#include "base/check.h"
#include "base/errors.h"
#include "http/unhurried.h"

namespace channels {

namespace {

// No wait of libcurl's own is so long: what ends one is data, a wake-up, or a time limit that it knows itself.
constexpr milliseconds longest_poll = seconds(3600);

// What an unhurried request lets gather. Longer, and a sweep over many databases would become slow; a socket holds some 100 kB meanwhile.
constexpr milliseconds gathering{40};
constexpr long gathered_at_once = 131072;

// A thread's request, and the connections that it keeps. Not curl_easy_perform(), which wakes each waiting thread once or twice
// a second to ask whether to go on: with ten feeds open that was most of what a sleeping daemon did.
struct Handles {
  Handles() : multi(curl_multi_init()), curl(curl_easy_init()) {
    check(multi != nullptr && curl != nullptr, "libcurl gave no handle");
  }
  ~Handles() {
    curl_easy_cleanup(curl);
    curl_multi_cleanup(multi);
  }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;

  CURLM* multi;
  CURL* curl;
};

Handles& handles_of_this_thread() {
  thread_local Handles handles;
  curl_easy_reset(handles.curl);  // options only: live connections stay
  return handles;
}

// What the callbacks of one request share.
struct Exchange {
  HttpResponse response;
  const std::function<bool(std::string_view)>* receive = nullptr;  // null: collect the body
  std::stop_token stop;
  std::size_t largest_body = 0;
  bool wants_headers = false;
  bool too_large = false;
  bool ended_by_receiver = false;
  MonoTime heard = std::chrono::steady_clock::now();  // when something came last
  CURL* curl = nullptr;

  bool streams() {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return receive != nullptr && status >= 200 && status < 300;
  }
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.heard = std::chrono::steady_clock::now();
  if (exchange.streams()) {
    exchange.ended_by_receiver = !(*exchange.receive)({data, size});
    return exchange.ended_by_receiver ? 0 : size;
  }
  exchange.too_large = exchange.response.body.size() + size > exchange.largest_body;
  if (exchange.too_large) return 0;
  exchange.response.body.append(data, size);
  return size;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  auto& response = exchange.response;
  exchange.heard = std::chrono::steady_clock::now();
  const std::string_view line(data, size);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  const std::string name(line.substr(0, colon));
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n')) value.remove_suffix(1);
  if (strcasecmp(name.c_str(), "retry-after") == 0) {
    long delay = 0;
    const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), delay);
    if (wrong == std::errc() && end == value.data() + value.size() && delay >= 0 && delay <= 86400)
      response.retry_after = seconds(delay);
  } else if (strcasecmp(name.c_str(), "set-cookie") == 0 && response.set_cookie.empty()) {
    response.set_cookie = value;
  } else if (strcasecmp(name.c_str(), "content-type") == 0) {
    response.content_type = value;
  } else if (strcasecmp(name.c_str(), "etag") == 0) {
    response.etag = value;
  }
  if (exchange.wants_headers) response.headers[lower_case(name)] = value;
  return size;
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

HeaderList header_list(const HttpRequest& request) {
  HeaderList list;
  const auto add = [&list](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    check(longer != nullptr, "out of memory");
    static_cast<void>(list.release());
    list.reset(longer);
  };
  for (const auto& [name, value] : request.headers) add(std::string(name).append(": ").append(value));
  add("Expect:");  // CouchDB answers 100-continue late; small bodies need no such question
  return list;
}

void set_body(CURL* curl, const HttpRequest& request) {
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST,
                   request.method == "HEAD" ? nullptr : request.method.c_str());
}

void set_options(CURL* curl, const HttpRequest& request, const HeaderList& headers, Exchange& exchange) {
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");  // an environment's proxy is for other programs
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  if (Unhurried::is_on()) curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, gathered_at_once);
  set_body(curl, request);
}

// Why it was not brought to its end; CURLE_OK if it was.
CURLcode outcome_of(CURLM* multi) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) return message->data.result;
  }
  return CURLE_ABORTED_BY_CALLBACK;
}

// Until there is an answer, or the stop is wished, or nothing came for `silence` (0: that long is right).
CURLcode await(CURLM* multi, const Exchange& exchange, milliseconds silence) {
  const std::stop_callback wake(exchange.stop, [multi] { curl_multi_wakeup(multi); });
  while (true) {
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) return CURLE_FAILED_INIT;
    if (running == 0) return outcome_of(multi);
    if (exchange.stop.stop_requested()) return CURLE_ABORTED_BY_CALLBACK;
    milliseconds wait = longest_poll;
    if (silence.count() > 0)
      wait = std::chrono::ceil<milliseconds>(exchange.heard + silence - std::chrono::steady_clock::now());
    if (wait.count() <= 0) return CURLE_OPERATION_TIMEDOUT;
    const auto poll_ms = static_cast<int>(wait.count());
    if (curl_multi_poll(multi, nullptr, 0, poll_ms, nullptr) != CURLM_OK) return CURLE_FAILED_INIT;
    if (Unhurried::is_on() && !exchange.stop.stop_requested()) std::this_thread::sleep_for(gathering);
  }
}

// Takes part in its thread's transfers; one under way is broken off at the end.
struct Attached {
  explicit Attached(const Handles& of) : handles(of) {
    check(curl_multi_add_handle(handles.multi, handles.curl) == CURLM_OK, "libcurl took no request");
  }
  ~Attached() { curl_multi_remove_handle(handles.multi, handles.curl); }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

  const Handles& handles;
};

HttpResponse perform(const HttpRequest& request, Exchange& exchange, milliseconds silence) {
  const Handles& handles = handles_of_this_thread();
  exchange.curl = handles.curl;
  exchange.stop = request.stop;
  exchange.largest_body = request.largest_answer;
  exchange.wants_headers = request.wants_headers;
  const HeaderList headers = header_list(request);
  set_options(handles.curl, request, headers, exchange);
  const Attached attached(handles);
  const CURLcode code = await(handles.multi, exchange, silence);
  if (code != CURLE_OK && !exchange.ended_by_receiver) {
    const std::string what = request.method + " " + request.url + ": ";
    if (exchange.too_large)
      throw Unreadable(what + "the answer is larger than " + std::to_string(request.largest_answer) + " bytes");
    throw Unavailable(what + curl_easy_strerror(code));
  }
  long status = 0;
  curl_easy_getinfo(handles.curl, CURLINFO_RESPONSE_CODE, &status);
  exchange.response.status = static_cast<int>(status);
  return std::move(exchange.response);
}

}  // namespace

CurlTransport::CurlTransport() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  check(started == CURLE_OK, "libcurl did not start");
}

HttpResponse CurlTransport::send(const HttpRequest& request) {
  Exchange exchange;
  return perform(request, exchange, milliseconds(0));
}

HttpResponse CurlTransport::stream(const HttpRequest& request, milliseconds silence,
                                   const std::function<bool(std::string_view)>& receive) {
  Exchange exchange;
  exchange.receive = &receive;
  return perform(request, exchange, silence);
}

}  // namespace channels
