// Which processes are traced, and the one feedback loop of the design: a lifecycle event (exec, new module) leads to
// unwind tables and probes for what is newly mapped.
//
// Order matters. Tables come before probes, so that the first event of a new module already has its stack. Probes on
// free come before those on malloc, and go after them: a block whose allocation was seen has its free seen too.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "loader.h"
#include "modules.h"
#include "probe_links.h"
#include "python_probes.h"
#include "stack_table.h"

namespace mp {

struct MappedModule {
  uint64_t start;
  uint64_t end;
  uint64_t bias;   // runtime address - ELF address
  Module *module;  // nullptr: no ELF file (JIT code, vdso)
};

// The interpreter in a process.
struct PythonProcess {
  const Module *module = nullptr;  // nullptr: there is none, or none that is known
  uint64_t bias = 0;
  std::unordered_map<uint64_t, uint32_t> codes;  // address of a code object -> its index in Stacks
  std::string refused;                           // why its allocator can't be traced; "": it is, or need not be
  bool has_probes = false;
  // Only its raw allocator has probes, and PYTHONMALLOC=malloc, if it heeds that, makes objects come from there.
  bool depends_on_variable = false;
};

struct Process {
  uint32_t index = 0;  // dense, one per image
  uint32_t pid = 0;
  uint32_t slot = 0;
  uint32_t stack_seed = 0;
  StackTable stacks;
  // Those with JavaScript frames, which are sent again after every collection.
  StackTable javascript_stacks;
  bool launched = false;   // by us, or the child of a process that was
  bool hold = false;       // is held while probes and tables for what it newly maps are put in place
  bool follow = false;     // its children are traced, too
  bool admitted = false;   // BPF records what it does
  bool announced = false;  // handed to TypeScript
  std::string executable, command_line, cgroup, runtime;
  std::string warning;                 // what can't be probed, as a sentence
  std::vector<MappedModule> mappings;  // executable ones, sorted
  std::vector<MappedModule> gone;      // unmapped ones: stacks from before may still come
  // One per module, or every call would count twice. Kept over an exec: the kernel puts the probes into the new image.
  std::map<const Module *, std::shared_ptr<ProbeLinks>> links;
  uint64_t job_control = 0;  // see struct mp_process
  PythonProcess python;
  const Module *v8_module = nullptr;   // that with V8 in it, known or not
  std::unique_ptr<V8Process> v8;       // nullptr: there is none, or none that is known
  std::set<const Module *> v8_probed;  // those with probes on what only V8 does
};

class Targets {
 public:
  // `share_links`: see probe_links.h.
  Targets(Loader &loader, Modules &modules, bool trace_python_allocators, bool share_links)
      : loader_(loader),
        modules_(modules),
        trace_python_allocators_(trace_python_allocators),
        linker_(loader, share_links) {}

  bool is_full() const { return free_slots_.empty() && next_slot_ >= MP_MAX_PROCESSES; }
  // Registers a process image. Probes come with synchronize(). Throws Error LIMIT.
  Process &add(uint32_t pid, uint32_t index, bool launched, bool follow);
  // The same for a child, whose image is that of its parent. nullptr: there are too many processes.
  Process *add_child(const Process &parent, uint32_t pid, uint32_t index);
  Process *find(uint32_t pid);
  // Reads the mappings of a process; loads tables and, until stop(), attaches probes for what is new. False if it is
  // gone.
  // Throws Error if a probe can't be attached.
  bool synchronize(Process &process);
  // The image was replaced: forgets mappings, takes a new index.
  void replace_image(Process &process, uint32_t index);
  // For an exec by a thread other than the first. The kernel's links are bound to the first, which is gone: they put no
  // probes into the new image, but would run beside those of new links. Returns when they are closed.
  void drop_links(Process &process);
  // A running interpreter whose objects would have to come from the allocator that has probes, and do not. Said once.
  bool take_untraced_objects(Process &process);
  void remove(uint32_t pid);
  // Holds no process any more, and takes the probes off all of them; returns when they are gone.
  void stop();
  const std::map<uint32_t, std::unique_ptr<Process>> &processes() const { return processes_; }

  // The module that holds an address, also one that was unmapped meanwhile; nullptr if unknown.
  static const MappedModule *find_mapping(const Process &process, uint64_t address);
  // In the interpreter of its V8, which there must be; 0: it is no longer mapped.
  static uint64_t interpreter_address(const Process &process);

 private:
  Process &add(std::unique_ptr<Process> owned);
  void admit(Process &process);
  void publish(Process &process, bool unmapped);
  void find_interpreter(Process &process);
  void find_v8(Process &process);
  void attach_v8(Process &process);
  void attach_functions(Process &process, const MappedModule &mapped, Program program,
                        const std::vector<uint64_t> &addresses, uint64_t first_cookie = 0);
  static MappedPython mapped_python(const Process &process);
  std::optional<PythonAllocatorSites> allocator_sites(Process &process);
  void attach_python(Process &process);
  void new_seed(Process &process);
  void close_unmapped(Process &process);
  void update(const Process &process, uint32_t generation, uint32_t flags);

  Loader &loader_;
  Modules &modules_;
  bool trace_python_allocators_;
  ProbeLinker linker_;  // outlives the links of processes
  std::map<uint32_t, std::unique_ptr<Process>> processes_;
  std::vector<uint32_t> free_slots_;
  uint32_t next_slot_ = 0;
  uint32_t next_seed_ = 1;
  uint32_t next_generation_ = 1;
  bool is_stopped_ = false;
};

}  // namespace mp
