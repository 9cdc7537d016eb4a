// RecordingProxy's HTTP server: a thread for each connection, each of which is a handler program's; no other file includes Boost.Beast.
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <set>
#include <stdexcept>

#include "programs/recording_proxy.h"

namespace channels {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

namespace {

constexpr std::uint64_t longest_body = std::uint64_t{64} << 20;

std::string text_of(beast::string_view text) {
  return {text.data(), text.size()};
}

void send_reply(tcp::socket& socket, const HttpResponse& answer, bool is_head, unsigned version, bool keep_alive) {
  http::response<http::string_body> response{static_cast<http::status>(answer.status), version};
  response.set(http::field::server, "couchdb-channels replay");
  response.set(http::field::content_type, answer.content_type.empty() ? "application/json" : answer.content_type);
  if (!answer.etag.empty()) response.set(http::field::etag, answer.etag);
  response.keep_alive(keep_alive);
  if (is_head) {
    response.content_length(0);
  } else {
    response.body() = answer.body;
    response.prepare_payload();
  }
  http::response_serializer<http::string_body> serializer{response};
  http::write(socket, serializer);
}

}  // namespace

struct RecordingProxy::Listener {
  RecordingProxy& proxy;
  asio::io_context context{};
  tcp::acceptor acceptor{context};
  std::mutex mutex{};
  std::set<int> open{};                               // sockets; guarded by mutex
  bool stopped = false;                               // guarded by mutex
  std::vector<std::unique_ptr<Thread>> connections{};  // the accepting thread's
  std::unique_ptr<Thread> accepting{};

  explicit Listener(RecordingProxy& of) : proxy(of) {
    acceptor.open(tcp::v4());
    acceptor.bind({asio::ip::address_v4::loopback(), 0});
    acceptor.listen();
  }

  ~Listener() {
    {
      const std::lock_guard lock(mutex);
      stopped = true;
      for (const int socket : open) ::shutdown(socket, SHUT_RDWR);
    }
    ::shutdown(acceptor.native_handle(), SHUT_RDWR);
    accepting.reset();
    connections.clear();
  }

  void accept() {
    while (true) {
      auto socket = std::make_shared<tcp::socket>(context);
      boost::system::error_code failure;
      acceptor.accept(*socket, failure);
      const std::lock_guard lock(mutex);
      if (stopped) return;
      if (failure) continue;
      open.insert(socket->native_handle());
      connections.push_back(proxy.env_.start("replay", [this, socket] { serve(*socket); }));
    }
  }

  void serve(tcp::socket& socket) {
    try {
      while (serve_one(socket)) {
      }
    } catch (const std::exception&) {  // it hung up, or sent no HTTP
    }
    const std::lock_guard lock(mutex);
    open.erase(socket.native_handle());
    boost::system::error_code failure;
    socket.close(failure);
  }

  bool serve_one(tcp::socket& socket) {
    beast::flat_buffer buffer;
    http::request_parser<http::string_body> parser;
    parser.body_limit(longest_body);
    http::read_header(socket, buffer, parser);
    if (parser.get()[http::field::expect] == "100-continue") {
      http::response<http::empty_body> go_on{http::status::continue_, parser.get().version()};
      http::write(socket, go_on);
    }
    http::read(socket, buffer, parser);
    const auto& message = parser.get();
    const auto header = [&](http::field name) { return text_of(message[name]); };
    const Request request{text_of(message.method_string()), text_of(message.target()), message.body(),
                          header(http::field::cookie),      header(http::field::authorization),
                          header(http::field::content_type), header(http::field::accept), header(http::field::if_match)};
    send_reply(socket, proxy.answer(request), request.method == "HEAD", message.version(), message.keep_alive());
    return message.keep_alive();
  }
};

RecordingProxy::RecordingProxy(Env& env, Transport& transport, Credentials& credentials, std::string url, std::string cookie)
    : env_(env),
      transport_(transport),
      credentials_(credentials),
      url_(std::move(url)),
      cookie_(std::move(cookie)),
      listener_(std::make_unique<Listener>(*this)) {
  listener_->accepting = env.start("replay", [this] { listener_->accept(); });
}

RecordingProxy::~RecordingProxy() = default;

std::string RecordingProxy::url() const {
  return "http://127.0.0.1:" + std::to_string(listener_->acceptor.local_endpoint().port()) + "/";
}

}  // namespace channels
