#include "programs/process_guard.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>

namespace channels {

namespace {

// One line for each group that comes or goes; at the end those that are left.
constexpr const char* script = R"(
groups=' '
while read -r word group; do
  case $word in
    add) groups="$groups$group " ;;
    drop) groups="${groups%% $group *} ${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -KILL "-$group"; done
)";

// With `input` as its only link to this process, and in a session of its own: a Ctrl-C is not for it.
int spawn_shell(pid_t& shell, int input) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::array<const char*, 4> words{"sh", "-c", script, nullptr};
  const int failure = posix_spawn(&shell, "/bin/sh", &files, &attributes, const_cast<char**>(words.data()), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return failure;
}

}  // namespace

ProcessGuard& ProcessGuard::of_this_process() {
  static ProcessGuard guard;
  return guard;
}

ProcessGuard::ProcessGuard() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("there is no pipe left");
  const int failure = spawn_shell(shell_, ends[0]);
  close(ends[0]);
  pipe_ = ends[1];
  if (failure == 0) return;
  close(pipe_);
  throw std::runtime_error("/bin/sh cannot be started");
}

ProcessGuard::~ProcessGuard() {
  close(pipe_);
  waitpid(shell_, nullptr, 0);
}

void ProcessGuard::tell(std::string_view word, pid_t group) {
  const std::string line = std::string(word) + " " + std::to_string(group) + "\n";
  const std::lock_guard lock(mutex_);
  // Short enough to go at once. Where somebody killed the shell, it is the kernel alone that ends programs.
  [[maybe_unused]] const auto written = ::write(pipe_, line.data(), line.size());
}

}  // namespace channels
