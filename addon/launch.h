// Starting a target: forked, but not running before the tracer is ready, and waiting for a tracer that is ready.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "unique_fd.h"

namespace mp {

struct LaunchOptions {
  std::string file;  // looked up in PATH if it has no slash
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::string user;  // "" keeps the caller
  // What Node has changed in its own process, as it was for mp's caller.
  std::vector<int> inherited_files;  // descriptors, close-on-exec now
  std::vector<int> ignored_signals;
  std::vector<int> blocked_signals;
  long open_files_limit = -1;  // soft RLIMIT_NOFILE, raised now; -1: keep
};

class LaunchedProcess {
 public:
  // Forks. The child waits for start(). Throws Error.
  explicit LaunchedProcess(const LaunchOptions &options);
  ~LaunchedProcess();

  pid_t pid() const { return pid_; }
  // Lets the child exec.
  void start();
  // True once it has ended; then wait_status() is that of wait(2). Throws Error NOT_FOUND, NOT_EXECUTABLE or NO_USER if
  // it could not exec.
  bool poll_exit();
  int wait_status() const { return wait_status_; }

 private:
  [[noreturn]] void report(int step, int error_number) const;

  pid_t pid_ = -1;
  UniqueFd go_;          // written to by start()
  UniqueFd exec_error_;  // a Failure if it could not exec; end of file on success
  std::string file_, user_;
  bool ended_ = false;
  int wait_status_ = 0;
};

}  // namespace mp
