#include "simulation/faults.h"

#include "base/errors.h"

namespace channels::simulation {

namespace {

constexpr milliseconds longest_silence = seconds(4);

std::string name_of(const HttpRequest& request) {
  const std::size_t path = request.url.find('/', request.url.find("//") + 2);
  return request.method + " " + request.url.substr(path, 60);
}

}  // namespace

void FaultyTransport::travel() {
  if (env_.scheduler().happens(line_.late)) env_.sleep(seconds(static_cast<long>(env_.scheduler().below(14))));
  const auto most = static_cast<std::uint64_t>(line_.latency.count());
  env_.sleep(milliseconds(static_cast<milliseconds::rep>(env_.scheduler().below(most + 1))));
}

void FaultyTransport::lose(const HttpRequest& request, const std::string& what) {
  env_.scheduler().trace(what + " " + name_of(request));
  const auto most = static_cast<std::uint64_t>(longest_silence.count());
  env_.sleep(milliseconds(static_cast<milliseconds::rep>(env_.scheduler().below(most))));
  throw Unavailable(what);
}

void FaultyTransport::check_line(const HttpRequest& request) {
  if (line_.dead) throw Unavailable("killed");
  if (line_.cut) lose(request, "cut off:");
}

std::optional<HttpResponse> FaultyTransport::unkind_answer() {
  Scheduler& chance = env_.scheduler();
  HttpResponse response;
  if (chance.happens(line_.busy)) {
    response.status = chance.happens(0.5) ? 429 : 503;
    response.body = R"({"error":"busy","reason":"later"})";
    if (chance.happens(0.5)) response.retry_after = seconds(static_cast<long>(chance.below(5)));
    return response;
  }
  if (!chance.happens(line_.strange)) return std::nullopt;
  response.status = chance.happens(0.5) ? 200 : 502;
  response.body = "<html>a proxy's page</html>";
  return response;
}

HttpResponse FaultyTransport::send(const HttpRequest& request) {
  if (request.timeout.count() <= 0) env_.scheduler().fail("invariant 6: a request without a time limit: " + name_of(request));
  check_line(request);
  const std::uint64_t incarnation = couch_.incarnation();
  travel();
  check_line(request);
  if (couch_.incarnation() != incarnation) throw Unavailable("the connection was closed");
  if (env_.scheduler().happens(line_.lost_request)) lose(request, "lost request:");
  if (auto unkind = unkind_answer()) return *unkind;
  HttpResponse response = inner_.send(request);
  check_line(request);
  if (env_.scheduler().happens(line_.lost_answer)) lose(request, "lost answer:");
  travel();
  check_line(request);
  return response;
}

HttpResponse FaultyTransport::stream(const HttpRequest& request, milliseconds silence,
                                     const std::function<bool(std::string_view)>& receive) {
  if (silence.count() <= 0) env_.scheduler().fail("invariant 6: a feed without a watch-dog");
  check_line(request);
  travel();
  if (auto unkind = unkind_answer()) return *unkind;
  return inner_.stream(request, silence, [&](std::string_view data) {
    check_line(request);
    if (env_.scheduler().happens(line_.lost_request)) {  // it stalls until the watch-dog barks, half a line in
      receive(data.substr(0, data.size() / 2));
      env_.sleep(silence);
      throw Unavailable("the feed stalled");
    }
    return receive(data);
  });
}

}  // namespace channels::simulation
