// A server of one line: each request gets the next answer of a script, and is kept for the test to
// look at. For what a client makes of an answer; a store with CouchDB's rules is fake_couch.h.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/errors.h"
#include "http/transport.h"

namespace channels {

class FakeTransport : public Transport {
 public:
  // What the next request gets that has no answer yet.
  FakeTransport& answers(int status, std::string body,
                         std::optional<seconds> retry_after = std::nullopt) {
    script_.push_back([=](const HttpRequest&) {
      HttpResponse response;
      response.status = status;
      response.body = body;
      response.retry_after = retry_after;
      return response;
    });
    return *this;
  }
  FakeTransport& is_down() {
    script_.push_back(
        [](const HttpRequest&) -> HttpResponse { throw Unavailable("nobody listens"); });
    return *this;
  }

  HttpResponse send(const HttpRequest& request) override {
    requests.push_back(request);
    if (script_.empty()) {
      ADD_FAILURE() << "no answer is left for " << request.method << " " << request.url;
      throw Unavailable("the script is over");
    }
    const auto next = std::move(script_.front());
    script_.pop_front();
    return next(request);
  }

  // The script's next body, in pieces of `piece` bytes.
  HttpResponse stream(const HttpRequest& request, milliseconds silence,
                      const std::function<bool(std::string_view)>& receive) override {
    silences.push_back(silence);
    HttpResponse response = send(request);
    if (response.status < 200 || response.status >= 300) return response;
    for (std::size_t at = 0; at < response.body.size(); at += piece) {
      if (!receive(std::string_view(response.body).substr(at, piece))) break;
    }
    response.body.clear();
    return response;
  }

  const HttpRequest& last() const { return requests.back(); }
  bool is_over() const { return script_.empty(); }

  std::vector<HttpRequest> requests;
  std::vector<milliseconds> silences;
  std::size_t piece = 7;

 private:
  std::deque<std::function<HttpResponse(const HttpRequest&)>> script_;
};

}  // namespace channels
