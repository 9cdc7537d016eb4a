#include "simulation/couch/model_transport.h"

#include "base/errors.h"
#include "simulation/couch/feed.h"

namespace channels::simulation {

namespace {

// Without a limit of its own a request waits so long at a time; it comes again then.
constexpr std::chrono::hours longest_wait{1};

HttpResponse answer_of(const Problem& problem) {
  return {problem.status, json::serialize(json::object{{"error", problem.error}, {"reason", problem.reason}})};
}

}  // namespace

void ModelTransport::check_connection() const {
  if (couch_.weather.down) throw Unavailable("no connection");
}

HttpResponse ModelTransport::send(const HttpRequest& request) {
  check_connection();
  if (request.stop.stop_requested()) throw Unavailable("stopped");
  const MonoTime deadline = env_.mono_now() + (request.timeout.count() > 0 ? request.timeout : longest_wait);
  HttpResponse response;
  if (Feed::is_asked_for(request)) {
    std::string body;
    response = follow(request, milliseconds(0), [&](std::string_view text) {
      body += text;
      return true;
    });
    if (response.status == 200) response.body = std::move(body);
  } else {
    response = couch_.answer(request);
    answer_late(request, deadline);
  }
  if (response.body.size() > request.largest_answer) throw Unreadable("the answer is too large");
  if (request.method == "HEAD") response.body.clear();
  return response;
}

HttpResponse ModelTransport::stream(const HttpRequest& request, milliseconds silence,
                                    const std::function<bool(std::string_view)>& receive) {
  check_connection();
  if (request.stop.stop_requested()) throw Unavailable("stopped");
  if (Feed::is_asked_for(request)) return follow(request, silence, receive);
  HttpResponse response = couch_.answer(request);
  if (response.status >= 200 && response.status < 300) {
    receive(response.body);
    response.body.clear();
  }
  return response;
}

// The server has acted; its answer takes its time.
void ModelTransport::answer_late(const HttpRequest& request, MonoTime deadline) {
  std::unique_lock lock(couch_.mutex_);
  if (!couch_.happens(couch_.weather.late_answer)) return;
  const MonoTime sent = env_.mono_now() + milliseconds(static_cast<long>(
                                              couch_.below(static_cast<std::uint64_t>(couch_.weather.latest.count()) + 1)));
  const std::unique_ptr<Signal> never = env_.make_signal();
  while (env_.mono_now() < std::min(sent, deadline)) never->wait_until(lock, std::min(sent, deadline));
  if (sent > deadline) throw Unavailable("timed out: " + request.method);
}

HttpResponse ModelTransport::follow(const HttpRequest& request, milliseconds silence,
                                    const std::function<bool(std::string_view)>& receive) {
  const MonoTime deadline = request.timeout.count() > 0 ? env_.mono_now() + request.timeout : MonoTime::max();
  MonoTime last_heard = env_.mono_now();
  const std::stop_callback wake(request.stop, [this] {
    const std::lock_guard lock(couch_.mutex_);
    couch_.changed_->notify_all();
  });
  std::optional<Feed> feed;
  try {
    const std::lock_guard lock(couch_.mutex_);
    feed.emplace(couch_, request);
  } catch (const Problem& problem) {
    return answer_of(problem);
  }
  while (true) {
    std::unique_lock lock(couch_.mutex_);
    if (request.stop.stop_requested()) throw Unavailable("stopped");
    check_connection();
    Feed::Step step;
    try {
      step = feed->step();
    } catch (const Problem& problem) {
      return answer_of(problem);
    }
    if (step.broken) throw Unavailable("the connection was closed");
    couch_.wake_all();
    const MonoTime now = env_.mono_now();
    if (!step.text.empty()) {
      last_heard = now;
      lock.unlock();
      if (!receive(step.text)) return {200, ""};
      lock.lock();
    }
    if (step.ended) return {200, ""};
    if (now >= deadline) throw Unavailable("timed out");
    MonoTime until = std::min(step.wake, deadline);
    if (silence.count() > 0) {
      if (now - last_heard >= silence) throw Unavailable("nothing came for too long");
      until = std::min(until, last_heard + silence);
    }
    until = std::min(until, now + longest_wait);
    // What came while the receiver was busy is not waited for.
    if (!step.text.empty()) continue;
    couch_.changed_->wait_until(lock, until);
  }
}

}  // namespace channels::simulation
