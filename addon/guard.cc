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

enum { kPipe, kHeldMap, kEndedMap, kDescriptors };

// Lets everyone go that the tracer left stopped. What stops processes may still be running: a process that dies closes
// its descriptors, and so the links of its programs, one after the other; hence it is switched off first.
[[noreturn]] void watch() {
  constexpr int kRounds = 50;
  constexpr timespec kPause = {0, 20'000'000};
  char byte;
  if (read(kPipe, &byte, 1) == 1) _exit(0);
  const uint32_t key = 0;
  const uint64_t ended = 1;
  bpf_map_update_elem(kEndedMap, &key, &ended, BPF_ANY);
  for (int round = 0; round < kRounds; round++) {
    // nobody removes what has ended when the tracer's programs are gone: a pid is only used as long as it is fresh
    for (uint32_t pid; !bpf_map_get_next_key(kHeldMap, nullptr, &pid);) {
      bpf_map_delete_elem(kHeldMap, &pid);
      kill(pid, SIGCONT);
    }
    nanosleep(&kPause, nullptr);
  }
  _exit(0);
}

// Moves descriptors to 0, 1 and 2 and closes all others: the guard must not hold the tracer's files, pipes or BPF links
// open.
void keep_only(const int (&descriptors)[kDescriptors]) {
  constexpr int kFree = 100;  // above them, so that none is overwritten before it is moved
  int copies[kDescriptors];
  for (int i = 0; i < kDescriptors; i++) copies[i] = fcntl(descriptors[i], F_DUPFD, kFree);
  for (int i = 0; i < kDescriptors; i++) dup2(copies[i], i);
  close_range(kDescriptors, ~0u, 0);
}

}  // namespace

Guard::Guard(int held_map, int ended_map) {
  auto [read_end, write_end] = make_pipe();
  {
    const BlockedSignals blocked;
    pid_ = fork();
    if (pid_ == 0) {  // its signals stay blocked: a SIGTERM meant for the tracer's group is not meant for its guard
      setsid();
      prctl(PR_SET_NAME, "mp-guard");
      keep_only({read_end.get(), held_map, ended_map});
      watch();
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
