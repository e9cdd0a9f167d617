#include "guard.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

#include "error.h"
#include "fork.h"

namespace mp {
namespace {

// Lets everyone go that the tracer left stopped. What stopped them may still be on its way when the tracer's end of the
// pipe closes, since a process that dies closes its descriptors one after the other; hence a second of patience.
[[noreturn]] void watch(int pipe_end, int held_map) {
  constexpr int kRounds = 50;
  constexpr timespec kPause = {0, 20'000'000};
  char byte;
  if (read(pipe_end, &byte, 1) == 1) _exit(0);
  for (int round = 0; round < kRounds; round++) {
    // nobody removes what has ended when the tracer's programs are gone: a pid is only used as long as it is fresh
    for (uint32_t pid; !bpf_map_get_next_key(held_map, nullptr, &pid);) {
      bpf_map_delete_elem(held_map, &pid);
      kill(pid, SIGCONT);
    }
    nanosleep(&kPause, nullptr);
  }
  _exit(0);
}

// Moves two descriptors to 0 and 1 and closes all others: the guard must not hold the tracer's files, pipes or BPF
// links open.
void keep_only(int first, int second) {
  constexpr int kFree = 100;  // above the two, so that none is overwritten before it is moved
  const int copies[] = {fcntl(first, F_DUPFD, kFree), fcntl(second, F_DUPFD, kFree)};
  for (int i = 0; i < 2; i++) dup2(copies[i], i);
  close_range(2, ~0u, 0);
}

}  // namespace

Guard::Guard(int held_map) {
  auto [read_end, write_end] = make_pipe();
  {
    const BlockedSignals blocked;
    pid_ = fork();
    if (pid_ == 0) {  // its signals stay blocked: a SIGTERM meant for the tracer's group is not meant for its guard
      setsid();
      prctl(PR_SET_NAME, "mp-guard");
      keep_only(read_end.get(), held_map);
      watch(0, 1);
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
