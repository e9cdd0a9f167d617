#include "probe_cost.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "error.h"
#include "loader.h"
#include "probes.h"
#include "proc_maps.h"

// Each begins with the instruction to be probed, which has no effect: push is emulated, mov between registers is not.
extern "C" void mp_probed_push();
extern "C" void mp_probed_mov();
asm(R"(
  .pushsection .text
  .p2align 4
  .globl mp_probed_push
  .hidden mp_probed_push
  .type mp_probed_push, @function
mp_probed_push:
  push %rax
  pop %rax
  ret
  .size mp_probed_push, . - mp_probed_push
  .p2align 4
  .globl mp_probed_mov
  .hidden mp_probed_mov
  .type mp_probed_mov, @function
mp_probed_mov:
  mov %rax, %rax
  nop
  ret
  .size mp_probed_mov, . - mp_probed_mov
  .popsection
)");

namespace mp {
namespace {

constexpr int kRounds = 7;
constexpr int kCallsPerRound = 300;

using Function = void (*)();

// Where in which file a function of this library is.
struct CodePlace {
  std::string path;
  uint64_t file_offset;
};

CodePlace place_of(Function function) {
  const auto address = reinterpret_cast<uint64_t>(function);
  const auto mappings = read_proc_maps(getpid());
  if (mappings)
    for (const ProcMapping &mapping : *mappings)
      if (address >= mapping.start && address < mapping.end && !mapping.path.empty())
        return {mapping.path, address - mapping.start + mapping.offset};
  throw Error("ATTACH", "cannot find the file of the own code", 0);
}

UniqueFd load_empty_program(ProbeMode mode) {
  const bpf_insn return_0[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
                               {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  if (mode == ProbeMode::kMulti) options.expected_attach_type = static_cast<bpf_attach_type>(kAttachUprobeMulti);
  UniqueFd program(bpf_prog_load(BPF_PROG_TYPE_KPROBE, "mp_empty", "GPL", return_0, 2, &options));
  if (!program) {
    const bool refused = errno == EPERM || errno == EACCES;
    throw Error(refused ? "NO_PERMISSION" : "LOAD", "cannot load a BPF program", errno);
  }
  return program;
}

// What keeps the probes in place.
std::vector<UniqueFd> attach(int program_fd, ProbeMode mode, const std::vector<Function> &functions) {
  std::vector<UniqueFd> links;
  std::vector<UprobeSite> sites;
  std::string path;
  for (Function function : functions) {
    CodePlace place = place_of(function);
    path = place.path;
    sites.push_back({place.file_offset, 0});
  }
  if (mode == ProbeMode::kMulti) {
    links.emplace_back(create_uprobe_multi(program_fd, path, sites, getpid(), kAttachUprobeMulti, false));
    if (!links[0]) throw Error("ATTACH", "cannot attach probes to " + path, errno);
    return links;
  }
  for (const UprobeSite &site : sites)
    for (UniqueFd &fd : create_uprobe_perf(program_fd, path, site, getpid(), false)) links.push_back(std::move(fd));
  return links;
}

double thread_time_ns() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// Of one call: the median of a few rounds.
double call_time_ns(Function function) {
  std::array<double, kRounds> rounds;
  for (double &round : rounds) {
    const double begin = thread_time_ns();
    for (int i = 0; i < kCallsPerRound; i++) function();
    round = (thread_time_ns() - begin) / kCallsPerRound;
  }
  std::nth_element(rounds.begin(), rounds.begin() + kRounds / 2, rounds.end());
  return rounds[kRounds / 2];
}

}  // namespace

ProbeCost measure_probe_cost() {
  const ProbeMode mode = kernel_supports(ProbeMode::kMulti) ? ProbeMode::kMulti : ProbeMode::kPerf;
  const UniqueFd program = load_empty_program(mode);
  const double plain_push_ns = call_time_ns(mp_probed_push), plain_mov_ns = call_time_ns(mp_probed_mov);
  const auto links = attach(program.get(), mode, {mp_probed_push, mp_probed_mov});
  return {std::max(0.0, call_time_ns(mp_probed_push) - plain_push_ns),
          std::max(0.0, call_time_ns(mp_probed_mov) - plain_mov_ns)};
}

}  // namespace mp
