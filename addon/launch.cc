#include "launch.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "error.h"

namespace mp {
namespace {

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

User look_up_user(const std::string &name) {
  const passwd *entry = getpwnam(name.c_str());
  if (!entry) throw Error("NO_USER", "there is no user called " + name, 0);
  User user{entry->pw_uid, entry->pw_gid, std::vector<gid_t>(256)};
  int count = user.groups.size();
  if (getgrouplist(name.c_str(), user.gid, user.groups.data(), &count) < 0)
    throw Error("NO_USER", "cannot list the groups of " + name, 0);
  user.groups.resize(count);
  return user;
}

// Everything that execvpe would look for, tried in order by the child without allocating.
std::vector<std::string> candidates(const LaunchOptions &options) {
  if (options.file.find('/') != std::string::npos) return {options.file};
  std::vector<std::string> paths;
  std::string search = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string &variable : options.environment)
    if (variable.rfind("PATH=", 0) == 0) search = variable.substr(5);
  for (size_t begin = 0; begin <= search.size();) {
    const size_t end = std::min(search.find(':', begin), search.size());
    const std::string directory = search.substr(begin, end - begin);
    paths.push_back((directory.empty() ? "." : directory) + "/" + options.file);
    begin = end + 1;
  }
  return paths;
}

std::vector<char *> pointers(const std::vector<std::string> &strings) {
  std::vector<char *> result;
  for (const std::string &string : strings) result.push_back(const_cast<char *>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

std::pair<UniqueFd, UniqueFd> make_pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC)) throw Error("LAUNCH", "cannot create a pipe", errno);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// Node ignores SIGPIPE and blocks signals in some threads; a program expects the defaults.
void restore_signals() {
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Closes every descriptor but two: the guard must not hold the tracer's files, pipes or BPF links open.
void keep_only(int low, int high) {
  if (low > 0) close_range(0, low - 1, 0);
  if (high > low + 1) close_range(low + 1, high - 1, 0);
  close_range(high + 1, ~0u, 0);
}

}  // namespace

LaunchedProcess::LaunchedProcess(const LaunchOptions &options) : file_(options.file) {
  const User user = options.user.empty() ? User{} : look_up_user(options.user);
  const auto paths = candidates(options);
  const auto path_pointers = pointers(paths);
  auto arguments = pointers(options.arguments);
  auto environment = pointers(options.environment);
  auto [go_read, go_write] = make_pipe();
  auto [error_read, error_write] = make_pipe();

  pid_ = fork();
  if (pid_ < 0) throw Error("LAUNCH", "cannot fork", errno);
  if (pid_ == 0) {  // only async-signal-safe calls: other threads of Node may hold any lock
    go_write.reset();
    char byte;
    if (read(go_read.get(), &byte, 1) != 1) _exit(125);  // the tracer gave up
    restore_signals();
    for (const int fd : options.inherited_files) fcntl(fd, F_SETFD, 0);
    if (options.open_files_limit >= 0) {
      rlimit limit;
      getrlimit(RLIMIT_NOFILE, &limit);
      limit.rlim_cur = options.open_files_limit;
      setrlimit(RLIMIT_NOFILE, &limit);
    }
    int failure = 0;
    if (!options.user.empty() &&
        (setgroups(user.groups.size(), user.groups.data()) || setgid(user.gid) || setuid(user.uid)))
      failure = errno;
    for (size_t i = 0; !failure && i < paths.size(); i++) {
      execve(path_pointers[i], arguments.data(), environment.data());
      if (errno != ENOENT && errno != ENOTDIR) failure = errno;
    }
    if (!failure) failure = ENOENT;
    if (write(error_write.get(), &failure, sizeof(failure)) < 0) _exit(126);
    _exit(127);
  }
  go_ = std::move(go_write);
  exec_error_ = std::move(error_read);
  start_guard();
}

// The target is stopped for moments while tables are loaded. A tracer that is killed in such a moment must not leave it
// stopped: a small process holds the other end of a pipe, and sends SIGCONT when the tracer's end closes unannounced.
void LaunchedProcess::start_guard() {
  auto [guard_read, guard_write] = make_pipe();
  const UniqueFd target(syscall(SYS_pidfd_open, pid_, 0));
  guard_pid_ = fork();
  if (guard_pid_ < 0) throw Error("LAUNCH", "cannot fork", errno);
  if (guard_pid_ == 0) {
    setsid();  // a Ctrl-C or SIGKILL meant for the tracer's group is not meant for its guard
    prctl(PR_SET_NAME, "mp-guard");
    const int pipe_end = guard_read.get(), process = target.get();
    keep_only(std::min(pipe_end, process), std::max(pipe_end, process));
    char byte;
    if (read(pipe_end, &byte, 1) != 1) syscall(SYS_pidfd_send_signal, process, SIGCONT, nullptr, 0);
    _exit(0);
  }
  guard_ = std::move(guard_write);
}

LaunchedProcess::~LaunchedProcess() {
  if (go_) {  // never started: it sees the end of the pipe and exits
    go_.reset();
    waitpid(pid_, nullptr, 0);
  }
  if (guard_) {
    const char byte = 0;
    if (write(guard_.get(), &byte, 1) == 1 && guard_pid_ > 0) waitpid(guard_pid_, nullptr, 0);
  }
}

void LaunchedProcess::start() {
  const char byte = 0;
  if (write(go_.get(), &byte, 1) != 1) throw Error("LAUNCH", "the process ended before it could start", errno);
  go_.reset();
}

bool LaunchedProcess::poll_exit() {
  if (exec_error_) {
    fcntl(exec_error_.get(), F_SETFL, O_NONBLOCK);
    int failure;
    const ssize_t got = read(exec_error_.get(), &failure, sizeof(failure));
    if (got == sizeof(failure)) {
      exec_error_.reset();
      waitpid(pid_, &wait_status_, 0);
      ended_ = true;
      if (failure == ENOENT || failure == ENOTDIR) throw Error("NOT_FOUND", "No such program: " + file_, 0);
      throw Error("NOT_EXECUTABLE", "cannot run " + file_, failure);
    }
    if (got == 0) exec_error_.reset();
  }
  if (!ended_ && waitpid(pid_, &wait_status_, WNOHANG) == pid_) ended_ = true;
  return ended_;
}

void LaunchedProcess::resume() const {
  kill(pid_, SIGCONT);
}

}  // namespace mp
