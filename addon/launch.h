// Starting a target: forked, but not running before the tracer is ready, and never left stopped by a tracer that dies.
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
  std::string user;                  // "" keeps the caller
  std::vector<int> inherited_files;  // descriptors of the caller; Node has marked them close-on-exec
  long open_files_limit = -1;        // soft RLIMIT_NOFILE of the caller, which Node has raised for itself; -1: as it is
};

class LaunchedProcess {
 public:
  // Forks. The child waits for start(). Throws Error.
  explicit LaunchedProcess(const LaunchOptions &options);
  ~LaunchedProcess();

  pid_t pid() const { return pid_; }
  // Lets the child exec. Throws Error NOT_FOUND or NOT_EXECUTABLE if it can't.
  void start();
  // True once it has ended; then wait_status() is that of wait(2).
  bool poll_exit();
  int wait_status() const { return wait_status_; }
  void resume() const;  // SIGCONT

 private:
  void start_guard();

  pid_t pid_ = -1;
  pid_t guard_pid_ = -1;
  UniqueFd go_;          // written to by start()
  UniqueFd exec_error_;  // errno of a failed exec; end of file on success
  UniqueFd guard_;       // a byte: all is well; end of file: the tracer died
  std::string file_;
  bool ended_ = false;
  int wait_status_ = 0;
};

}  // namespace mp
