#include "untraced_cost.h"

#include <bpf/bpf.h>
#include <spawn.h>
#include <sys/wait.h>

#include "error.h"
#include "loader.h"
#include "unique_fd.h"

namespace mp {
namespace {

constexpr int kProcesses = 20;
constexpr uint32_t kRingBytes = 256 * 1024;

void run_program() {
  char program[] = "/bin/true";
  char *arguments[] = {program, nullptr}, *environment[] = {nullptr};
  pid_t pid;
  if (const int error = posix_spawn(&pid, program, nullptr, nullptr, arguments, environment))
    throw Error("LAUNCH", "cannot run /bin/true", error);
  waitpid(pid, nullptr, 0);
}

}  // namespace

double measure_untraced_cost() {
  LoaderOptions options;
  options.ring_bytes = kRingBytes;
  options.selection.kind = MP_SELECT_COMM;
  options.selection.comm = "mp-nobody";
  const UniqueFd statistics(bpf_enable_stats(BPF_STATS_RUN_TIME));
  if (!statistics) throw Error("LOAD", "cannot measure BPF programs", errno);
  const Loader loader(options);
  for (int i = 0; i < kProcesses; i++) run_program();
  return loader.tracepoints_ns();
}

}  // namespace mp
