#include "guard.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <string>

#include "error.h"
#include "fork.h"

namespace mp {
namespace {

// Lets a target go that the tracer left stopped. What stopped it may still be on its way when the tracer's end of the
// pipe closes, since a process that dies closes its descriptors one after the other; hence a second of patience.
[[noreturn]] void watch(int pipe_end, int process, int status) {
  constexpr int kRounds = 50;
  constexpr timespec kPause = {0, 20'000'000};
  char byte;
  if (read(pipe_end, &byte, 1) == 1) _exit(0);
  for (int round = 0; round < kRounds; round++) {
    char text[512];  // PID (COMM) STATE …
    const ssize_t length = pread(status, text, sizeof(text) - 1, 0);
    if (length <= 0) _exit(0);
    text[length] = '\0';
    const char *state = strrchr(text, ')');
    if (state && state[1] == ' ' && state[2] == 'T') syscall(SYS_pidfd_send_signal, process, SIGCONT, nullptr, 0);
    nanosleep(&kPause, nullptr);
  }
  _exit(0);
}

// Moves three descriptors to 0, 1, 2 and closes all others: the guard must not hold the tracer's files, pipes or BPF
// links open.
void keep_only(const UniqueFd &first, const UniqueFd &second, const UniqueFd &third) {
  constexpr int kFree = 100;  // above the three, so that none is overwritten before it is moved
  const int copies[] = {fcntl(first.get(), F_DUPFD, kFree), fcntl(second.get(), F_DUPFD, kFree),
                        fcntl(third.get(), F_DUPFD, kFree)};
  for (int i = 0; i < 3; i++) dup2(copies[i], i);
  close_range(3, ~0u, 0);
}

}  // namespace

Guard::Guard(pid_t target) {
  auto [read_end, write_end] = make_pipe();
  const UniqueFd process(syscall(SYS_pidfd_open, target, 0));
  const UniqueFd status(open(("/proc/" + std::to_string(target) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  {
    const BlockedSignals blocked;
    pid_ = fork();
    if (pid_ == 0) {  // its signals stay blocked: a SIGTERM meant for the tracer's group is not meant for its guard
      setsid();
      prctl(PR_SET_NAME, "mp-guard");
      keep_only(read_end, process, status);
      watch(0, 1, 2);
    }
  }
  if (pid_ < 0) throw Error("LAUNCH", "cannot fork", errno);
  pipe_ = std::move(write_end);
}

Guard::~Guard() {
  const char byte = 0;
  if (write(pipe_.get(), &byte, 1) == 1) waitpid(pid_, nullptr, 0);
}

}  // namespace mp
