// The loaded BPF object: options become its maps' sizes, then it is verified and its tracepoints are attached. The only
// file that knows the skeleton.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../bpf/mp.h"
#include "mapping_tables.h"
#include "selection.h"
#include "unique_fd.h"

struct mp_bpf;

namespace mp {

// How uprobes are attached, best first. kSession: kernel 6.13, kMulti: 6.6, kPerf: any.
enum class ProbeMode { kAuto, kSession, kMulti, kPerf };

struct LoaderOptions {
  uint32_t ring_bytes = 64u << 20;  // a power of two
  ProbeMode probe_mode = ProbeMode::kAuto;
  bool trace_python_allocators = false;         // every object, not only what reaches malloc
  bool follow_fork = false;                     // children of targets, too
  bool native_frames = true;                    // false: stacks of interpreters' frames only
  bool lossless = false;                        // threads wait while the ring is half full
  std::vector<std::string> allocator_prefixes;  // of renamed allocators: "je_"
  Selection selection;
};

enum class Program {
  kAllocatorSession,
  kAllocatorEntry,
  kAllocatorReturn,
  kDeallocatorEntry,
  kMappingSyscall,
  kLinkerState,
  kPythonCodeFreed,
  kV8Collection,
  kV8Life,
  kV8Sample,
};

class Loader {
 public:
  // Throws Error: NO_PERMISSION, NO_BTF, UNSUPPORTED (probe mode or kernel), LOAD.
  explicit Loader(const LoaderOptions &options);
  ~Loader();
  Loader(const Loader &) = delete;
  Loader &operator=(const Loader &) = delete;

  ProbeMode probe_mode() const { return probe_mode_; }  // never kAuto
  int program_fd(Program program) const;
  int ring_fd() const;
  // From now on nobody is held, follows or waits: what comes is not recorded any more.
  void end();
  int ended_fd() const;  // the map that says so: 8 bytes, not 0

  void set_process(uint32_t slot, const mp_process &process);
  void set_process_slot(uint32_t pid, uint32_t slot);
  // Whether BPF knows it, perhaps from an event that is still to come.
  bool has_process(uint32_t pid) const;
  void set_python(uint32_t slot, const mp_python &python);
  void set_v8(uint32_t slot, const mp_v8 &v8);
  mp_v8 v8(uint32_t slot) const;
  void clear_process_slot(uint32_t pid);
  // The frames behind this hash are to be sent again.
  void forget_stack(uint64_t hash);
  // Lets a process go that BPF has stopped, bpf/hold.bpf.h.
  void release(uint32_t pid);
  // Everyone who is stopped now.
  void release_all();
  int held_fd() const;  // the map of who is stopped
  void set_mappings(uint32_t slot, const std::vector<mp_mapping> &sorted);
  void set_rows(uint32_t module, const std::vector<mp_unwind_row> &sorted);

  // Nanoseconds that one run of each tracepoint of the life of a process takes, summed. Needs bpf_enable_stats(2).
  double tracepoints_ns() const;

  // Sum over CPUs of a MP_COUNTER_*.
  uint64_t counter(uint32_t id) const;
  // Of all of them, by loss kind.
  std::map<std::string, uint64_t> losses() const;

 private:
  std::unique_ptr<mp_bpf, void (*)(mp_bpf *)> skeleton_;
  std::unique_ptr<MappingTables> mappings_;
  ProbeMode probe_mode_;
};

// Whether BPF_LINK_CREATE takes this kind of uprobe link.
bool kernel_supports(ProbeMode mode);
// uprobe multi and session attach types of linux/bpf.h, which Debian 12's copy of the header lacks.
constexpr uint32_t kAttachUprobeMulti = 48;
constexpr uint32_t kAttachUprobeSession = 57;

}  // namespace mp
