#include "http/curl_transport.h"

#include <curl/curl.h>
#include <strings.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <memory>

#include "base/check.h"
#include "base/errors.h"

namespace channels {

namespace {

struct EasyHandle {
  EasyHandle() : curl(curl_easy_init()) { check(curl != nullptr, "libcurl gave no handle"); }
  ~EasyHandle() { curl_easy_cleanup(curl); }
  EasyHandle(const EasyHandle&) = delete;
  EasyHandle& operator=(const EasyHandle&) = delete;

  CURL* curl;
};

CURL* handle_of_this_thread() {
  thread_local EasyHandle handle;
  curl_easy_reset(handle.curl);  // options only: live connections stay
  return handle.curl;
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
  CURL* curl = nullptr;

  bool streams() {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return receive != nullptr && status >= 200 && status < 300;
  }
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
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

// libcurl calls this at least once a second: a stop is seen within that time.
int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(user)->stop.stop_requested() ? 1 : 0;
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

HttpResponse perform(const HttpRequest& request, Exchange& exchange, milliseconds silence) {
  CURL* curl = handle_of_this_thread();
  exchange.curl = curl;
  exchange.stop = request.stop;
  exchange.largest_body = request.largest_answer;
  exchange.wants_headers = request.wants_headers;
  const HeaderList headers = header_list(request);
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
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  if (silence.count() > 0) {
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                     static_cast<long>(std::chrono::ceil<seconds>(silence).count()));
  }
  set_body(curl, request);
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK && !exchange.ended_by_receiver) {
    const std::string what = request.method + " " + request.url + ": ";
    if (exchange.too_large)
      throw Unreadable(what + "the answer is larger than " + std::to_string(request.largest_answer) + " bytes");
    throw Unavailable(what + curl_easy_strerror(code));
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
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
