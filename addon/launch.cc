#include "launch.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "error.h"
#include "fork.h"

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

// What kept the child from becoming the target.
enum Step : int { kUser, kExec };
struct Failure {
  int step;
  int error_number;
};

// Everything that the child needs, ready before the fork: it may only make async-signal-safe calls, since other threads
// of Node may have held any lock at that moment.
struct ChildPlan {
  User user;
  std::vector<std::string> paths;
  std::vector<char *> path_pointers, arguments, environment;
  std::vector<char *> shell_arguments;  // sh, the script, its arguments
  sigset_t blocked, ignored;
};

ChildPlan plan_child(const LaunchOptions &options) {
  ChildPlan plan;
  if (!options.user.empty()) plan.user = look_up_user(options.user);
  plan.paths = candidates(options);
  plan.path_pointers = pointers(plan.paths);
  plan.arguments = pointers(options.arguments);
  plan.environment = pointers(options.environment);
  plan.shell_arguments = plan.arguments;
  plan.shell_arguments.insert(plan.shell_arguments.begin(), const_cast<char *>("sh"));
  sigemptyset(&plan.blocked);
  sigemptyset(&plan.ignored);
  for (const int number : options.blocked_signals) sigaddset(&plan.blocked, number);
  for (const int number : options.ignored_signals) sigaddset(&plan.ignored, number);
  return plan;
}

// ---- in the child ----

void restore_signals(const ChildPlan &plan) {
  struct sigaction action = {};
  for (int number = 1; number < NSIG; number++) {
    action.sa_handler = sigismember(&plan.ignored, number) == 1 ? SIG_IGN : SIG_DFL;
    sigaction(number, &action, nullptr);  // fails for SIGKILL and SIGSTOP
  }
  sigprocmask(SIG_SETMASK, &plan.blocked, nullptr);
}

void restore_files(const LaunchOptions &options) {
  for (const int fd : options.inherited_files) fcntl(fd, F_SETFD, 0);
  rlimit limit;
  if (options.open_files_limit < 0 || getrlimit(RLIMIT_NOFILE, &limit)) return;
  limit.rlim_cur = options.open_files_limit;
  setrlimit(RLIMIT_NOFILE, &limit);
}

bool become(const User &user) {
  return !setgroups(user.groups.size(), user.groups.data()) && !setgid(user.gid) && !setuid(user.uid);
}

// As execvp: a program that may not be executed is remembered but does not end the search, and a text file without #!
// is a script for sh. Returns the errno of the failure.
int execute(const ChildPlan &plan) {
  int failure = ENOENT;
  for (size_t i = 0; i < plan.paths.size(); i++) {
    execve(plan.path_pointers[i], plan.arguments.data(), plan.environment.data());
    if (errno == ENOEXEC) {
      auto arguments = const_cast<char **>(plan.shell_arguments.data());
      arguments[1] = plan.path_pointers[i];
      execve("/bin/sh", arguments, plan.environment.data());
    }
    if (errno == EACCES) failure = EACCES;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) return errno;
  }
  return failure;
}

[[noreturn]] void fail(int pipe_end, Step step, int error_number) {
  const Failure failure{step, error_number};
  if (write(pipe_end, &failure, sizeof(failure)) < 0) _exit(126);
  _exit(127);
}

}  // namespace

LaunchedProcess::LaunchedProcess(const LaunchOptions &options) : file_(options.file), user_(options.user) {
  const ChildPlan plan = plan_child(options);
  auto [go_read, go_write] = make_pipe();
  auto [error_read, error_write] = make_pipe();
  {
    const BlockedSignals blocked;
    pid_ = fork();
    if (pid_ == 0) {
      restore_signals(plan);
      go_write.reset();
      char byte;
      if (read(go_read.get(), &byte, 1) != 1) _exit(125);  // the tracer gave up
      restore_files(options);
      if (!user_.empty() && !become(plan.user)) fail(error_write.get(), kUser, errno);
      fail(error_write.get(), kExec, execute(plan));
    }
  }
  if (pid_ < 0) throw Error("LAUNCH", "cannot fork", errno);
  go_ = std::move(go_write);
  exec_error_ = std::move(error_read);
}

LaunchedProcess::~LaunchedProcess() {
  if (go_) {  // never started: it sees the end of the pipe and exits
    go_.reset();
    waitpid(pid_, nullptr, 0);
  }
}

void LaunchedProcess::start() {
  const char byte = 0;
  // It fails if a signal ended the child meanwhile, which poll_exit() then finds.
  [[maybe_unused]] const ssize_t written = write(go_.get(), &byte, 1);
  go_.reset();
}

bool LaunchedProcess::poll_exit() {
  if (exec_error_) {
    fcntl(exec_error_.get(), F_SETFL, O_NONBLOCK);
    Failure failure;
    const ssize_t got = read(exec_error_.get(), &failure, sizeof(failure));
    if (got == sizeof(failure)) {
      waitpid(pid_, &wait_status_, 0);
      ended_ = true;
      report(failure.step, failure.error_number);
    }
    if (got == 0) exec_error_.reset();
  }
  if (!ended_ && waitpid(pid_, &wait_status_, WNOHANG) == pid_) ended_ = true;
  return ended_;
}

void LaunchedProcess::report(int step, int error_number) const {
  if (step == kUser) throw Error("NO_USER", "cannot become user " + user_, error_number);
  if (error_number == ENOENT) throw Error("NOT_FOUND", "No such program: " + file_, 0);
  throw Error("NOT_EXECUTABLE", "cannot run " + file_, error_number);
}

}  // namespace mp
