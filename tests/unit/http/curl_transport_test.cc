// The real transport against a server of a few lines on loopback.
#include "http/curl_transport.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <string>
#include <thread>

#include "base/errors.h"
#include "http/unhurried.h"

namespace channels {
namespace {

// Takes connections one after the other; each gets `first` at once and the rest of the answer after `wait`, in pieces of which each has its
// pause.
class SlowServer {
 public:
  SlowServer(std::string first, std::string rest, milliseconds wait, milliseconds pause = milliseconds(0), std::size_t pieces = 1)
      : first_(std::move(first)),
        rest_(std::move(rest)),
        wait_(wait),
        pause_(pause),
        pieces_(pieces),
        listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~SlowServer() {
    shutdown(listener_, SHUT_RDWR);
    ended_.set_value();
    thread_.join();
    close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  void serve() {
    const std::shared_future<void> ended = ended_.get_future().share();
    for (int client = accept(listener_, nullptr, nullptr); client >= 0; client = accept(listener_, nullptr, nullptr)) {
      char request[4096];
      if (read(client, request, sizeof request) > 0) {
        send(client, first_.data(), first_.size(), MSG_NOSIGNAL);
        ended.wait_for(wait_);
        const std::size_t size = rest_.size() / pieces_;
        for (std::size_t at = 0; at < rest_.size(); at += size) {
          send(client, rest_.data() + at, size, MSG_NOSIGNAL);
          std::this_thread::sleep_for(pause_);
        }
      }
      close(client);
    }
  }

  const std::string first_;
  const std::string rest_;
  const milliseconds wait_;
  const milliseconds pause_;
  const std::size_t pieces_;
  const int listener_;
  int port_ = 0;
  std::promise<void> ended_;
  std::thread thread_;
};

HttpRequest get(const SlowServer& server) {
  HttpRequest request;
  request.method = "GET";
  request.url = server.url();
  return request;
}

long waits_of_this_thread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n";

TEST(CurlTransportTest, GivesTheAnswerThatComesLate) {
  const SlowServer server(head, "late", milliseconds(50));
  CurlTransport transport;
  const HttpResponse response = transport.send(get(server));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "late");
}

// A daemon with ten feeds open sleeps: each of its threads wakes when something comes, and not to look whether something has.
TEST(CurlTransportTest, WaitsForALateAnswerWithoutWakingUp) {
  const SlowServer server("", head + "late", milliseconds(3500));
  CurlTransport transport;
  const long before = waits_of_this_thread();
  EXPECT_EQ(transport.send(get(server)).body, "late");
  EXPECT_LE(waits_of_this_thread() - before, 3) << "for the connection, and for the answer";
}

// As CouchDB sends a list.
TEST(CurlTransportTest, AnUnhurriedRequestLetsItsAnswerGather) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 200\r\nConnection: close\r\n\r\n";
  const SlowServer server(answer, std::string(200, 'x'), milliseconds(1), milliseconds(2), 20);
  CurlTransport transport;
  const auto waits_for_it = [&] {
    const long before = waits_of_this_thread();
    EXPECT_EQ(transport.send(get(server)).body.size(), 200U);
    return waits_of_this_thread() - before;
  };
  const long hurried = waits_for_it();
  const Unhurried unhurried;
  EXPECT_LT(waits_for_it(), hurried / 2);
}

TEST(CurlTransportTest, AStopEndsARequestThatWaits) {
  const SlowServer server("", head + "late", seconds(60));
  CurlTransport transport;
  std::stop_source stop;
  HttpRequest request = get(server);
  request.stop = stop.get_token();
  std::thread stopper([&] {
    std::this_thread::sleep_for(milliseconds(100));
    stop.request_stop();
  });
  EXPECT_THROW(transport.send(request), Unavailable);
  stopper.join();
  EXPECT_THROW(transport.send(request), Unavailable) << "one that begins later, too";
}

TEST(CurlTransportTest, AStreamThatFallsSilentEnds) {
  const SlowServer server(head + "ab", "cd", seconds(60));
  CurlTransport transport;
  std::string received;
  const auto receive = [&](std::string_view data) {
    received += data;
    return true;
  };
  HttpRequest request = get(server);
  request.timeout = milliseconds(0);
  EXPECT_THROW(transport.stream(request, milliseconds(200), receive), Unavailable);
  EXPECT_EQ(received, "ab");
}

TEST(CurlTransportTest, ATimeLimitEndsARequest) {
  const SlowServer server("", head + "late", seconds(60));
  CurlTransport transport;
  HttpRequest request = get(server);
  request.timeout = milliseconds(200);
  EXPECT_THROW(transport.send(request), Unavailable);
}

TEST(CurlTransportTest, TheReceiverEndsAStream) {
  const SlowServer server(head + "ab", "cd", seconds(60));
  CurlTransport transport;
  std::string received;
  const HttpResponse response = transport.stream(get(server), seconds(5), [&](std::string_view data) {
    received += data;
    return false;
  });
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(received, "ab");
}

}  // namespace
}  // namespace channels
