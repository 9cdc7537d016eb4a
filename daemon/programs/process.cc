#include "programs/process.h"

#define BOOST_PROCESS_USE_STD_FS
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <csignal>
#include <stdexcept>
#include <thread>

#include "programs/process_guard.h"

namespace channels {

namespace bp = boost::process;

namespace {

constexpr milliseconds between_looks{5};
constexpr milliseconds after_kill = seconds(5);

// Both ends; the one that is ours never blocks.
struct Pipe {
  int read = -1;
  int write = -1;

  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("there is no pipe left");
    read = ends[0];
    write = ends[1];
  }
  ~Pipe() {
    if (read >= 0) close(read);
    if (write >= 0) close(write);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
};

int taken(int& end) {
  fcntl(end, F_SETFL, O_NONBLOCK);
  return std::exchange(end, -1);
}

// Between fork and exec: only what is safe in a child of a program with threads.
void prepare_child(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it ended before we asked
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  // Sockets of the daemon are not for it.
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
}

}  // namespace

struct Process::Child {
  bp::child process;
};

Process::Process(const std::vector<std::string>& command, const std::map<std::string, std::string>& variables) {
  const bool is_path = command.front().find('/') != std::string::npos;
  const auto program = is_path ? std::filesystem::path(command.front()) : bp::search_path(command.front());
  if (program.empty()) throw std::runtime_error("there is no program " + command.front() + " in PATH");
  bp::environment environment = boost::this_process::environment();
  for (const auto& [name, value] : variables) environment[name] = value;
  const std::vector<std::string> arguments(command.begin() + 1, command.end());
  Pipe in;
  Pipe out;
  Pipe err;
  const pid_t parent = getpid();
  ProcessGuard& guard = ProcessGuard::of_this_process();
  std::error_code failure;
  bp::child started(bp::exe = program.string(), bp::args = arguments, environment, failure,
                    bp::posix::fd.bind(0, in.read), bp::posix::fd.bind(1, out.write), bp::posix::fd.bind(2, err.write),
                    bp::extend::on_exec_setup = [parent](auto&) { prepare_child(parent); });
  if (failure) throw std::runtime_error(program.string() + ": " + failure.message());
  guard.add(started.id());
  child_ = std::make_unique<Child>(Child{std::move(started)});
  in_ = taken(in.write);
  out_ = taken(out.read);
  err_ = taken(err.read);
}

Process::~Process() {
  kill();
  close_in();
  close(out_);
  close(err_);
}

void Process::close_in() {
  if (in_ >= 0) close(std::exchange(in_, -1));
}

bool Process::ended_within(milliseconds limit) {
  const MonoTime enough = std::chrono::steady_clock::now() + limit;
  std::error_code failure;
  while (child_->process.running(failure)) {
    if (std::chrono::steady_clock::now() >= enough) return false;
    std::this_thread::sleep_for(between_looks);
  }
  return true;
}

void Process::kill() {
  // Those that it started, too, which may outlive it.
  if (!std::exchange(killed_, true)) {
    ::kill(-child_->process.id(), SIGKILL);
    ProcessGuard::of_this_process().drop(child_->process.id());
  }
  ended_within(after_kill);
}

std::string Process::how_it_ended() {
  const int status = child_->process.native_exit_code();
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit " + std::to_string(WEXITSTATUS(status));
}

}  // namespace channels
