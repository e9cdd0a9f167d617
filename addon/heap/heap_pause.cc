#include "heap_pause.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "../clock.h"
#include "../error.h"
#include "../fork.h"

namespace mp {
namespace {

constexpr uint64_t kStopPatienceNs = 1'000'000'000;

int send_signal(int process, int number) {
  return static_cast<int>(syscall(SYS_pidfd_send_signal, process, number, nullptr, 0));
}

// 'T' of a task that a signal stopped, 't' of one that a debugger did (/proc/PID/stat, field 3); 0: it is gone.
char state_of(const std::filesystem::path &task) {
  std::ifstream file(task / "stat");
  std::string text(std::istreambuf_iterator<char>(file), {});
  const size_t end = text.rfind(')');
  return end == text.npos || end + 2 >= text.size() ? 0 : text[end + 2];
}

bool is_stopped(int pid) {
  std::error_code error;
  std::filesystem::directory_iterator task("/proc/" + std::to_string(pid) + "/task", error), end;
  for (; !error && task != end; task.increment(error)) {
    const char state = state_of(task->path());
    if (state != 'T' && state != 't' && state != 'Z' && state != 'X' && state != 0) return false;
  }
  return !error;
}

// Waits for the end of the pause or of the tracer; holds nothing else of the tracer's open.
[[noreturn]] void watch(int process, int pipe, uint64_t max_ns) {
  constexpr int kFree = 100;
  const int own_process = fcntl(process, F_DUPFD, kFree), own_pipe = fcntl(pipe, F_DUPFD, kFree);
  dup2(own_process, 0);
  dup2(own_pipe, 1);
  close_range(2, ~0u, 0);
  pollfd waiting{1, POLLIN, 0};
  const timespec limit{static_cast<time_t>(max_ns / 1'000'000'000), static_cast<long>(max_ns % 1'000'000'000)};
  ppoll(&waiting, 1, &limit, nullptr);
  send_signal(0, SIGCONT);
  _exit(0);
}

}  // namespace

HeapPause::HeapPause(int pid, uint64_t max_ns) : pid_(pid), max_ns_(max_ns) {
  process_ = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process_)
    throw Error(errno == ESRCH ? "NO_PROCESS" : "NO_PERMISSION", "cannot open process " + std::to_string(pid), errno);
  if (is_stopped(pid)) return;
  auto [read_end, write_end] = make_pipe();
  {
    const BlockedSignals blocked;
    guard_ = fork();
    if (guard_ == 0) {
      setsid();
      prctl(PR_SET_NAME, "mp-guard");
      watch(process_.get(), read_end.get(), max_ns);
    }
  }
  if (guard_ < 0) throw Error("LAUNCH", "cannot fork", errno);
  pipe_ = std::move(write_end);
  is_ours_ = true;
  began_ns_ = monotonic_ns();
  if (send_signal(process_.get(), SIGSTOP) != 0) {
    const int error = errno;
    continue_target();
    throw Error(error == ESRCH ? "NO_PROCESS" : "NO_PERMISSION", "cannot stop process " + std::to_string(pid), error);
  }
  // a thread in the kernel stops when it leaves that; it does not touch objects there
  while (!is_stopped(pid) && monotonic_ns() - began_ns_ < std::min(max_ns, kStopPatienceNs)) usleep(100);
}

HeapPause::~HeapPause() {
  continue_target();
}

uint64_t HeapPause::end() {
  continue_target();
  return lasted_ns_;
}

void HeapPause::continue_target() {
  if (!is_ours_) return;
  is_ours_ = false;
  send_signal(process_.get(), SIGCONT);
  lasted_ns_ = monotonic_ns() - began_ns_;
  was_cut_ = lasted_ns_ > max_ns_;
  lasted_ns_ = std::min(lasted_ns_, max_ns_);
  pipe_.reset();
  waitpid(guard_, nullptr, 0);
}

}  // namespace mp
