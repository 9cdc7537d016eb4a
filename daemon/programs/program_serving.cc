// Program while its process runs: what goes to it and comes from it.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "programs/program.h"

namespace channels {

namespace {

// From its start until ["ready"].
constexpr milliseconds longest_start = seconds(30);
constexpr std::size_t most_registrations = 1000;
constexpr int most_bad_lines = 100;
// While so much is unread it gets nothing further.
constexpr std::size_t most_unread = std::size_t{4} << 20;

}  // namespace

std::string Program::serve() {
  while (true) {
    const bool wanted = is_wanted();
    if (!wanted) {
      put_off_queue();
      const std::lock_guard lock(mutex_);
      if (in_hand_.size() == in_hand_.given_up() || stopped_) return "";
    }
    if (ready_ && wanted) hand_out();
    if (!write_some()) return "closed its standard input";
    poll_pipes(until_next_event());
    read_errors();
    std::string reason = read_answers();
    if (reason.empty()) reason = look_at_clock();
    if (!reason.empty()) return reason;
  }
}

milliseconds Program::until_next_event() {
  std::optional<MonoTime> next = in_hand_.next_event();
  if (!ready_) next = started_at_ + longest_start;
  if (!next) return seconds(60);
  return std::clamp<milliseconds>(std::chrono::ceil<milliseconds>(*next - env_.mono_now()), milliseconds(0), seconds(60));
}

void Program::poll_pipes(milliseconds longest) {
  std::array<pollfd, 4> sources{{{wake_fd_, POLLIN, 0},
                                 {process_->out(), POLLIN, 0},
                                 {err_ended_ ? -1 : process_->err(), POLLIN, 0},
                                 {outgoing_.empty() ? -1 : process_->in(), POLLOUT, 0}}};
  poll(sources.data(), sources.size(), static_cast<int>(longest.count()));
  std::uint64_t count = 0;
  [[maybe_unused]] const auto drained = ::read(wake_fd_, &count, sizeof count);
}

void Program::hand_out() {
  std::size_t unread = 0;
  for (const Outgoing& line : outgoing_) unread += line.line.size() - line.written;
  while (in_hand_.size() < static_cast<std::size_t>(settings_.in_flight) && unread < most_unread) {
    ProgramRun run;
    {
      const std::lock_guard lock(mutex_);
      if (queue_.empty()) return;
      run = std::move(queue_.front());
      queue_.pop_front();
    }
    if (hand(std::move(run))) unread += outgoing_.back().line.size();
  }
}

bool Program::hand(ProgramRun run) {
  const MonoTime now = env_.mono_now();
  if (now > run.task.latest_start) {
    end(run, std::nullopt);
    return false;
  }
  std::string cookie;
  try {
    cookie = cookies_.cookie_of(settings_.role_user);
  } catch (const std::runtime_error& trouble) {  // Unavailable or Refused
    log_.said(Level::error, "gets no document: " + std::string(trouble.what()));
    end(run, put_off());
    return false;
  }
  const std::uint64_t number = in_hand_.next_number();
  outgoing_.push_back({number, handle_line(number, run.task, env_.wall_now() + settings_.timeout, cookie), 0});
  in_hand_.add(std::move(run), now);
  return true;
}

bool Program::write_some() {
  while (!outgoing_.empty()) {
    Outgoing& next = outgoing_.front();
    const ssize_t written =
        ::write(process_->in(), next.line.data() + next.written, next.line.size() - next.written);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno == EAGAIN;
    next.written += static_cast<std::size_t>(written);
    if (next.written == next.line.size()) outgoing_.pop_front();
  }
  return true;
}

void Program::read_errors() {
  std::array<char, 16384> buffer;
  const ssize_t count = ::read(process_->err(), buffer.data(), buffer.size());
  if (count == 0) err_ended_ = true;
  if (count <= 0) return;
  for (const std::string& line : err_.add({buffer.data(), static_cast<std::size_t>(count)})) log_.said(Level::info, line);
  if (err_.overflown()) {
    log_.said(Level::info, err_.rest());
    err_.clear();
  }
}

std::string Program::read_answers() {
  std::array<char, 65536> buffer;
  const ssize_t count = ::read(process_->out(), buffer.data(), buffer.size());
  if (count < 0) return "";
  if (count == 0) {
    out_ended_ = true;
    return ready_ ? "ended" : "ended before it was ready";
  }
  for (const std::string& line : out_.add({buffer.data(), static_cast<std::size_t>(count)})) {
    std::string reason = take_line(line);
    if (!reason.empty()) return reason;
  }
  if (out_.overflown()) return "sent a line of more than " + std::to_string(out_.longest() >> 20) + " MB";
  return "";
}

std::string Program::take_line(const std::string& line) {
  auto message = parse_message(line);
  if (!message) return take_bad_line(message.error().reason);
  heard_at_ = env_.mono_now();
  if (const auto* request = std::get_if<LogRequest>(&*message)) {
    log_.said(request->level, request->text);
    return "";
  }
  if (auto* save = std::get_if<SaveAnswer>(&*message))
    return take_answer(save->number, [&](const Task& task) { return outcome_of_save(task.doc, std::move(save->doc)); });
  if (const auto* keep = std::get_if<KeepAnswer>(&*message))
    return take_answer(keep->number, [](const Task&) { return Outcome(Keep{}); });
  if (const auto* error = std::get_if<ErrorAnswer>(&*message)) {
    return take_answer(error->number, [&](const Task& task) {
      const bool is_lost = error->lost && task.mode == Mode::unsafe;
      return is_lost ? Outcome(Lost{error->failure.reason}) : Outcome(error->failure);
    });
  }
  const auto* registration = std::get_if<Registration>(&*message);
  if (ready_) return take_bad_line(registration == nullptr ? "it is ready a second time" : "it registers after [\"ready\"]");
  if (registration == nullptr) {
    take_ready();
  } else if (registering_.size() < most_registrations) {
    registering_.push_back(*registration);
  } else {
    return take_bad_line("it registers more than " + std::to_string(most_registrations) + " handlers");
  }
  bad_lines_ = 0;
  return "";
}

std::string Program::take_answer(std::uint64_t number, const std::function<Outcome(const Task&)>& outcome) {
  if (auto run = in_hand_.take(number)) {
    end(*run, outcome(run->task));
  } else if (in_hand_.was_late(number)) {
    log_.said(Level::info, "answered run " + std::to_string(number) + " after it was given up; the answer is left out");
  } else {
    return take_bad_line("it answers run " + std::to_string(number) + ", which it does not have in hand");
  }
  bad_lines_ = 0;
  return "";
}

std::string Program::take_bad_line(const std::string& what) {
  log_.said(Level::error, "wrote on its standard output what is left out: " + what);
  return ++bad_lines_ >= most_bad_lines ? "wrote " + std::to_string(most_bad_lines) + " such lines in a row" : "";
}

void Program::take_ready() {
  ready_ = true;
  std::sort(registering_.begin(), registering_.end());
  {
    const std::lock_guard lock(mutex_);
    state_ = State::up;
    put_off_ = 0;
    registered_ = registering_;
  }
  log_.told(Level::info, "is ready with " + std::to_string(registering_.size()) + " handlers");
}

std::string Program::look_at_clock() {
  const MonoTime now = env_.mono_now();
  if (!ready_ && now >= started_at_ + longest_start)
    return "was not ready after " + std::to_string(longest_start.count() / 1000) + " s";
  for (const std::uint64_t number : in_hand_.to_be_cancelled(now)) outgoing_.push_back({0, cancel_line(number), 0});
  bool hangs = false;
  for (InHand::GivenUp& over : in_hand_.to_be_given_up(now)) {
    const std::string what = "the handler did not answer within " + std::to_string(settings_.timeout.count()) + " s";
    log_.said(Level::error, what + ": " + doc_id(over.run.task.doc) + " in " + over.run.task.database);
    hangs = hangs || heard_at_ < over.handed_at;
    if (over.run.task.mode == Mode::safe) {
      end(over.run, Failed{what, std::nullopt});
    } else {
      end(over.run, Lost{what + "; whether it acted is unknown"});
    }
  }
  hangs = hangs || in_hand_.given_up() >= static_cast<std::size_t>(settings_.in_flight);
  return hangs ? "does not answer" : "";
}

}  // namespace channels
