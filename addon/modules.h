// Mapped ELF files, each read once whatever number of processes map it: unwind rows, probe sites, identity.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "loader.h"
#include "node_threads.h"
#include "probes.h"
#include "proc_maps.h"
#include "python_layout.h"
#include "symbolize.h"
#include "v8_process.h"

namespace mp {

struct Module {
  uint32_t index;
  std::string path;  // as the target names it
  std::string build_id;
  uint64_t lowest_address = 0;
  uint32_t row_count = 0;
  bool readable = false;           // an ELF file that could be opened
  bool is_static_program = false;  // no dynamic linker: nothing more will be mapped before main

  // Probe sites as file offsets, with their MP_COOKIE.
  std::vector<UprobeSite> allocators;                         // entry and return
  std::vector<UprobeSite> deallocators;                       // entry
  std::vector<UprobeSite> mapping_calls;                      // behind the system call
  std::vector<UprobeSite> linker_state;                       // _dl_debug_state
  std::vector<std::pair<uint64_t, uint64_t>> allocator_code;  // see ProbeSites
  std::vector<std::string> single_stepped;                    // functions whose probe costs ten times as much
  bool has_allocator = false;                                 // of blocks; its own mappings are its business
  bool has_c_allocator = false;                               // malloc or the like, not only those of a language
  bool has_untraced_new = false;                              // its operator new can't be probed in this probe mode
  bool has_inlined_rust = false;                              // its Rust allocator can't be probed at all
  // Nothing but an allocator. A C library maps memory for threads, too, and a program for itself.
  bool is_allocator_library = false;

  std::optional<PythonImage> python;   // it holds an interpreter
  std::optional<uint32_t> tss_values;  // it is glibc: see find_tss_values
  std::optional<V8Module> v8;          // it holds a JavaScript engine
  std::vector<NodeThreadRoot> thread_roots;
  std::optional<uint64_t> job_control;  // it is bash: see struct mp_process

  std::unique_ptr<ElfFile> elf;
};

class Modules {
 public:
  // `allocator_prefixes`: of renamed allocators.
  Modules(Loader &loader, Symbolizer &symbolizer, std::vector<std::string> allocator_prefixes)
      : loader_(loader), symbolizer_(symbolizer), allocator_prefixes_(std::move(allocator_prefixes)) {}

  // The module behind a mapping of a process, nullptr if it was unmapped meanwhile; reads the file on first sight and
  // loads its unwind rows into BPF.
  Module *of_mapping(int pid, const ProcMapping &mapping);
  // Files that were mapped when there were as many modules as fit: one stands for all of them, without probes and
  // names.
  uint64_t merged() const { return merged_.size(); }
  // Modules that were added since the last call.
  std::vector<const Module *> take_new();

 private:
  // Device, inode, size, time of modification: an inode can be given to another file, or be overwritten.
  using Key = std::tuple<uint32_t, uint32_t, uint64_t, int64_t, int64_t, int64_t>;

  std::unique_ptr<Module> new_module(const std::string &path);
  Module *merge(const Key &key);

  Loader &loader_;
  Symbolizer &symbolizer_;
  std::vector<std::string> allocator_prefixes_;
  std::map<Key, std::unique_ptr<Module>> modules_;
  std::unique_ptr<Module> rest_;
  std::set<Key> merged_;
  std::vector<const Module *> new_modules_;
};

// Where the tracer can open the file behind a mapping, also if it was deleted or lies in another mount namespace.
std::string map_files_path(int pid, uint64_t start, uint64_t end);

}  // namespace mp
