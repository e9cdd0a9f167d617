#include "loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <numeric>

#include "error.h"
#include "inner_map.h"
#include "mp.skel.h"
#include "probes.h"

namespace mp {
namespace {

// What libbpf and the verifier said while loading: shown only if loading fails.
std::string libbpf_log;

int collect_log(libbpf_print_level level, const char *format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  char line[1024];
  vsnprintf(line, sizeof(line), format, arguments);
  if (libbpf_log.size() < (1u << 16)) libbpf_log += line;
  return 0;
}

// What one mapping can have, whatever else is mapped: vm.overcommit_memory 0 refuses more than there is, 2 more than is
// left (Documentation/mm/overcommit-accounting.rst).
uint64_t certain_mapping_bytes() {
  int policy = 2;
  if (FILE *file = fopen("/proc/sys/vm/overcommit_memory", "re")) {
    if (fscanf(file, "%d", &policy) != 1) policy = 2;
    fclose(file);
  }
  struct sysinfo memory;
  if (policy == 2 || sysinfo(&memory)) return 0;
  return uint64_t{memory.totalram} * memory.mem_unit / 2;
}

// The last lines say what was wrong.
std::string log_tail() {
  size_t begin = libbpf_log.size() > 2000 ? libbpf_log.size() - 2000 : 0;
  return libbpf_log.substr(begin);
}

bpf_program *program_of(mp_bpf *skeleton, Program program) {
  switch (program) {
    case Program::kAllocatorSession:
      return skeleton->progs.allocator_session;
    case Program::kAllocatorEntry:
      return skeleton->progs.allocator_entry;
    case Program::kAllocatorReturn:
      return skeleton->progs.allocator_return;
    case Program::kDeallocatorEntry:
      return skeleton->progs.deallocator_entry;
    case Program::kMappingSyscall:
      return skeleton->progs.mapping_syscall;
    case Program::kLinkerState:
      return skeleton->progs.linker_state;
    case Program::kPythonCodeFreed:
      return skeleton->progs.python_code_freed;
    case Program::kV8Collection:
      return skeleton->progs.v8_collection;
    case Program::kV8Life:
      return skeleton->progs.v8_life;
    case Program::kV8Sample:
      return skeleton->progs.v8_sample;
  }
  return nullptr;
}

void configure_programs(mp_bpf *skeleton, ProbeMode mode) {
  const bool session = mode == ProbeMode::kSession;
  bpf_program__set_autoload(skeleton->progs.allocator_session, session);
  bpf_program__set_autoload(skeleton->progs.allocator_entry, !session);
  bpf_program__set_autoload(skeleton->progs.allocator_return, !session);
  if (mode == ProbeMode::kPerf) return;
  for (Program program : {Program::kAllocatorEntry, Program::kAllocatorReturn, Program::kDeallocatorEntry,
                          Program::kMappingSyscall, Program::kLinkerState, Program::kPythonCodeFreed,
                          Program::kV8Collection, Program::kV8Life, Program::kV8Sample}) {
    bpf_program__set_expected_attach_type(program_of(skeleton, program),
                                          static_cast<bpf_attach_type>(kAttachUprobeMulti));
  }
  bpf_program__set_expected_attach_type(skeleton->progs.allocator_session,
                                        static_cast<bpf_attach_type>(kAttachUprobeSession));
}

}  // namespace

bool kernel_supports(ProbeMode mode) {
  if (mode == ProbeMode::kPerf) return true;
  const uint32_t type = mode == ProbeMode::kSession ? kAttachUprobeSession : kAttachUprobeMulti;
  const bpf_insn return_0[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
                               {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = static_cast<bpf_attach_type>(type));
  UniqueFd program(bpf_prog_load(BPF_PROG_TYPE_KPROBE, "mp_feature", "GPL", return_0, 2, &options));
  if (!program) return false;
  // A kernel that knows the link type looks for the file; one that doesn't says EINVAL.
  const UprobeSite site{1, 0};
  UniqueFd link(create_uprobe_multi(program.get(), "/nonexistent", {site}, 0, type, false));
  return !link && errno == ENOENT;
}

Loader::Loader(const LoaderOptions &options) : skeleton_(nullptr, mp_bpf__destroy), probe_mode_(options.probe_mode) {
  libbpf_log.clear();
  libbpf_set_print(collect_log);
  if (probe_mode_ == ProbeMode::kAuto) {
    probe_mode_ = kernel_supports(ProbeMode::kSession) ? ProbeMode::kSession
                  : kernel_supports(ProbeMode::kMulti) ? ProbeMode::kMulti
                                                       : ProbeMode::kPerf;
  } else if (!kernel_supports(probe_mode_)) {
    throw Error("UNSUPPORTED", "this kernel does not support the chosen --probe mode; use --probe auto", 0);
  }
  skeleton_.reset(mp_bpf__open());
  if (!skeleton_) throw Error("LOAD", "cannot open the BPF programs", errno);
  configure_programs(skeleton_.get(), probe_mode_);
  skeleton_->rodata->certain_bytes = certain_mapping_bytes();
  skeleton_->rodata->selection = options.selection.for_kernel();
  bpf_map__set_max_entries(skeleton_->maps.ring, options.ring_bytes);
  skeleton_->rodata->native_frames = options.native_frames;
  skeleton_->rodata->lag_bytes = options.ring_bytes / 2;
  if (options.lossless) skeleton_->data_pressure->ring_mark_bytes = options.ring_bytes / 2;
  bpf_map__set_max_entries(skeleton_->maps.unwinders, libbpf_num_possible_cpus() * MP_UNWINDERS_PER_CPU);
  const int failure = mp_bpf__load(skeleton_.get());
  if (failure == -EPERM || failure == -EACCES)
    throw Error("NO_PERMISSION", "the kernel refused to load the BPF programs\n" + log_tail(), -failure);
  if (failure == -ESRCH || failure == -ENOENT)
    throw Error("NO_BTF", "the kernel has no type information (/sys/kernel/btf/vmlinux)", -failure);
  if (failure) throw Error("LOAD", "cannot load the BPF programs\n" + log_tail(), -failure);
  if (const int attach_failure = mp_bpf__attach(skeleton_.get()))
    throw Error("LOAD", "cannot attach to the process tracepoints\n" + log_tail(), -attach_failure);
  mappings_ = std::make_unique<MappingTables>(bpf_map__fd(skeleton_->maps.mappings));
}

Loader::~Loader() = default;

int Loader::program_fd(Program program) const {
  return bpf_program__fd(program_of(skeleton_.get(), program));
}

int Loader::ring_fd() const {
  return bpf_map__fd(skeleton_->maps.ring);
}

void Loader::end() {
  skeleton_->data_pressure->ring_mark_bytes = 0;
  skeleton_->data_ended->recording_ended = 1;
  // Returns when programs that saw the old values have ended: it waits for a grace period of RCU.
  syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

int Loader::ended_fd() const {
  return bpf_map__fd(skeleton_->maps.data_ended);
}

void Loader::set_process(uint32_t slot, const mp_process &process) {
  if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.processes), &slot, &process, BPF_ANY))
    throw Error("LOAD", "cannot register a process", errno);
}

void Loader::set_process_slot(uint32_t pid, uint32_t slot) {
  if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.process_slots), &pid, &slot, BPF_ANY))
    throw Error("LOAD", "cannot register a process", errno);
}

bool Loader::has_process(uint32_t pid) const {
  uint32_t slot;
  return !bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.process_slots), &pid, &slot);
}

void Loader::set_python(uint32_t slot, const mp_python &python) {
  if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.pythons), &slot, &python, BPF_ANY))
    throw Error("LOAD", "cannot register an interpreter", errno);
}

void Loader::set_v8(uint32_t slot, const mp_v8 &v8) {
  if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.v8s), &slot, &v8, BPF_ANY))
    throw Error("LOAD", "cannot register an interpreter", errno);
}

mp_v8 Loader::v8(uint32_t slot) const {
  mp_v8 v8 = {};
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.v8s), &slot, &v8))
    throw Error("LOAD", "cannot read a BPF map", errno);
  return v8;
}

void Loader::clear_process_slot(uint32_t pid) {
  bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.process_slots), &pid);
}

void Loader::forget_stack(uint64_t hash) {
  bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.seen_stacks), &hash);
}

void Loader::release(uint32_t pid) {
  bpf_map_delete_elem(held_fd(), &pid);
  kill(pid, SIGCONT);
}

void Loader::release_all() {
  uint32_t pid;
  while (!bpf_map_get_next_key(held_fd(), nullptr, &pid)) release(pid);
}

int Loader::held_fd() const {
  return bpf_map__fd(skeleton_->maps.held);
}

void Loader::set_mappings(uint32_t slot, const std::vector<mp_mapping> &sorted) {
  mappings_->set(slot, sorted);
}

void Loader::set_rows(uint32_t module, const std::vector<mp_unwind_row> &sorted) {
  const InnerMap rows("mp_rows", sizeof(mp_unwind_row), std::max<size_t>(sorted.size(), 1));
  std::copy(sorted.begin(), sorted.end(), static_cast<mp_unwind_row *>(rows.memory()));
  const int fd = rows.fd();
  // a former one lives until its last reader
  if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.rows), &module, &fd, BPF_ANY))
    throw Error("LOAD", "cannot install a BPF map for unwind tables", errno);
}

double Loader::tracepoints_ns() const {
  const auto &programs = skeleton_->progs;
  double sum = 0;
  for (const bpf_program *program : {programs.process_fork, programs.process_exec, programs.thread_rename,
                                     programs.process_exit, programs.self_stop}) {
    bpf_prog_info info = {};
    uint32_t size_bytes = sizeof(info);
    if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size_bytes) || !info.run_cnt) continue;
    sum += static_cast<double>(info.run_time_ns) / info.run_cnt;
  }
  return sum;
}

uint64_t Loader::counter(uint32_t id) const {
  std::vector<uint64_t> per_cpu(libbpf_num_possible_cpus());
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counters), &id, per_cpu.data())) return 0;
  return std::accumulate(per_cpu.begin(), per_cpu.end(), uint64_t{0});
}

std::map<std::string, uint64_t> Loader::losses() const {
  std::map<std::string, uint64_t> sums;
#define X(id, NAME, kind, meaning) sums[kind] = counter(id);
  MP_COUNTERS(X)
#undef X
  return sums;
}

}  // namespace mp
