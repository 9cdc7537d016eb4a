#include "host/os_daemon_host.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>

#include "base/check.h"

namespace channels {

namespace {

// CouchDB's manager falls at 2,000 lines a second.
constexpr double logs_a_second = 20;
constexpr double logs_at_once = 200;
constexpr std::size_t longest_log = 2000;
// For what is unsent at the end, where the host does not read.
constexpr std::chrono::milliseconds last_words(500);
constexpr std::chrono::milliseconds write_wait(100);

}  // namespace

OsDaemonHost::OsDaemonHost(int in, int out)
    : in_(in), out_(out), log_allowance_(logs_at_once),
      log_allowance_at_(std::chrono::steady_clock::now()) {
  wake_reader_ = eventfd(0, EFD_CLOEXEC);
  check(wake_reader_ >= 0, "there is no eventfd");
  reader_ = std::thread([this] { read(); });
  writer_ = std::thread([this] { write(); });
}

OsDaemonHost::~OsDaemonHost() {
  {
    std::unique_lock lock(mutex_);
    closing_ = true;
    closing_at_ = std::chrono::steady_clock::now();
    changed_.notify_all();
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto woken = ::write(wake_reader_, &one, sizeof one);
  reader_.join();
  writer_.join();
  close(wake_reader_);
}

// --- the reading side ------------------------------------------------------------------------

void OsDaemonHost::read() {
  std::array<pollfd, 3> sources{{{in_, POLLIN, 0}, {signals_.fd(), POLLIN, 0}, {wake_reader_, POLLIN, 0}}};
  std::array<char, 65536> buffer;
  while (true) {
    if (poll(sources.data(), sources.size(), -1) < 0) continue;  // EINTR
    if (sources[2].revents != 0) return;
    if (sources[1].revents != 0) return end();
    if (sources[0].revents == 0) continue;
    const ssize_t count = ::read(in_, buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return end();
    take_bytes({buffer.data(), static_cast<std::size_t>(count)});
  }
}

void OsDaemonHost::take_bytes(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  for (auto line_end = bytes.find('\n'); line_end != bytes.npos; line_end = bytes.find('\n')) {
    answers_.push_back(std::exchange(unread_, {}) + std::string(bytes.substr(0, line_end)));
    bytes.remove_prefix(line_end + 1);
  }
  unread_ += bytes;
  changed_.notify_all();
}

void OsDaemonHost::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void OsDaemonHost::wait_for_end() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ended_; });
}

// --- the writing side ------------------------------------------------------------------------

void OsDaemonHost::write() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !unsent_.empty() || closing_; });
    if (unsent_.empty()) return;
    const std::string line = std::move(unsent_.front());
    unsent_.pop_front();
    lock.unlock();
    const bool read = write_line(line);
    lock.lock();
    if (!read) {
      ended_ = true;
      changed_.notify_all();
      return;
    }
  }
}

bool OsDaemonHost::write_line(std::string_view text) {
  while (!text.empty()) {
    if (!may_write()) return false;
    // poll() promises room for so much: the write does not wait.
    const ssize_t written = ::write(out_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool OsDaemonHost::may_write() {
  pollfd room{out_, POLLOUT, 0};
  while (poll(&room, 1, static_cast<int>(write_wait.count())) <= 0) {
    const std::lock_guard lock(mutex_);
    if (closing_ && std::chrono::steady_clock::now() - closing_at_ > last_words) return false;
  }
  return (room.revents & POLLOUT) != 0;
}

void OsDaemonHost::send(const json::array& request) {
  const std::lock_guard lock(mutex_);
  unsent_.push_back(json::serialize(request) + "\n");
  changed_.notify_all();
}

void OsDaemonHost::HostLog::write(Level level, std::string_view text) {
  if (level != Level::debug) host_.send_log(level, text.substr(0, longest_log));
}

void OsDaemonHost::send_log(Level level, std::string_view text) {
  const std::lock_guard lock(mutex_);
  const MonoTime now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> passed = now - log_allowance_at_;
  log_allowance_at_ = now;
  log_allowance_ = std::min(logs_at_once, log_allowance_ + passed.count() * logs_a_second);
  if (log_allowance_ < 1 || unsent_.size() > static_cast<std::size_t>(logs_at_once)) {
    ++left_out_;
    return;
  }
  log_allowance_ -= 1;
  std::string line(text);
  if (left_out_ > 0) line += " (" + std::to_string(std::exchange(left_out_, 0)) + " lines before this were left out)";
  // Text of ours is escaped to ASCII; what a library said may be anything.
  for (char& c : line) {
    if (c < ' ' || c > '~') c = '?';
  }
  unsent_.push_back(json::serialize(json::array{"log", line, {{"level", name_of(level)}}}) + "\n");
  changed_.notify_all();
}

// --- requests --------------------------------------------------------------------------------

Section OsDaemonHost::section(std::string_view name) {
  const std::lock_guard one_at_a_time(asking_);
  {
    const std::lock_guard lock(mutex_);
    answers_.clear();  // what nobody asked for
  }
  send({"get", name});
  std::string answer;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || !answers_.empty(); });
    if (answers_.empty()) return {};
    answer = std::move(answers_.front());
    answers_.pop_front();
  }
  const auto parsed = parse_json(answer);
  const json::object* object = parsed ? parsed->if_object() : nullptr;
  Section section;
  if (object == nullptr) return section;
  for (const auto& [key, value] : *object) {
    if (value.is_string() && !value.as_string().empty())
      section[std::string(key)] = json::value_to<std::string>(value);
  }
  return section;
}

void OsDaemonHost::watch(std::string_view section) {
  send({"register", section});
}

}  // namespace channels
