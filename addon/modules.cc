#include "modules.h"

#include <sys/stat.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>

#include "code_rows.h"
#include "eh_frame.h"
#include "probe_sites.h"

namespace mp {
namespace {

constexpr size_t kMaxMerged = 1 << 16;  // as far as they are counted

// Aliases of one address get one probe, which counts as the first of them.
void add_site(std::vector<UprobeSite> &sites, const ProbeSites::Function &function) {
  for (const UprobeSite &other : sites)
    if (other.file_offset == function.file_offset) return;
  sites.push_back({function.file_offset, function.cookie});
}

// `spares_returns`: a call that may throw an exception can be left alone at its entry.
void set_sites(const ProbeSites &sites, bool spares_returns, Module &module) {
  for (const ProbeSites::Function &function : sites.functions) {
    // Where operator new is nearly all there is, the blocks that operator delete ends would be unknown ones.
    if (!spares_returns && !sites.has_c_allocator && function.name.compare(0, 2, "_Z") == 0) {
      module.has_untraced_new = true;
      continue;
    }
    if (function.single_stepped) module.single_stepped.push_back(function.name);
    module.has_allocator |= function.kind == FunctionKind::kSimple;
    if (function.cookie & MP_COOKIE_THROWS && !spares_returns) {
      module.has_untraced_new = true;
      continue;
    }
    if (function.returns)
      add_site(module.allocators, function);
    else
      add_site(function.kind == FunctionKind::kFree ? module.deallocators : module.mapping_calls, function);
  }
  module.has_c_allocator = sites.has_c_allocator;
  module.has_inlined_rust = sites.has_inlined_rust;
  module.allocator_code = sites.allocator_code;
  for (uint64_t offset : sites.linker_state) module.linker_state.push_back({offset, 0});
}

// bash exports its variables for builtins that it loads.
std::optional<uint64_t> find_job_control(const Module &module) {
  if (module.path.substr(module.path.rfind('/') + 1) != "bash") return std::nullopt;
  for (const ElfSymbol &symbol : module.elf->symbols(false))
    if (symbol.name == "job_control") return symbol.address;
  return std::nullopt;
}

}  // namespace

std::string map_files_path(int pid, uint64_t start, uint64_t end) {
  char path[96];
  snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, start, end);
  return path;
}

Module *Modules::of_mapping(int pid, const ProcMapping &mapping) {
  const std::string open_path = map_files_path(pid, mapping.start, mapping.end);
  struct stat file;
  if (stat(open_path.c_str(), &file)) {
    if (errno == ENOENT || errno == ESRCH) return nullptr;
    file = {};
  }
  const Key key{mapping.dev_major, mapping.dev_minor,   mapping.inode,
                file.st_size,      file.st_mtim.tv_sec, file.st_mtim.tv_nsec};
  if (const auto found = modules_.find(key); found != modules_.end()) return found->second.get();

  if (modules_.size() >= MP_MAX_MODULES) return merge(key);
  Module &module = *(modules_[key] = new_module(mapping.path));

  std::string error;
  module.elf = ElfFile::open(open_path, &error);
  if (!module.elf) return &module;
  module.readable = true;
  module.build_id = module.elf->build_id();
  module.lowest_address = module.elf->lowest_address();
  module.is_static_program = is_static_program(*module.elf);
  module.v8 = find_v8_module(*module.elf);
  if (module.v8) module.thread_roots = find_node_thread_roots(*module.elf);
  EhFrameStats stats;
  auto rows = build_unwind_rows(*module.elf, &stats);
  if (lacks_unwind_information(*module.elf)) add_code_rows(*module.elf, rows);
  if (module.v8 && module.v8->image.unsupported.empty())
    mark_ranges(rows, module.v8->image.interpreted, module.lowest_address, MP_RULE_V8_INTERPRETER);
  module.row_count = rows.size();
  if (!rows.empty()) loader_.set_rows(module.index, rows);
  set_sites(find_probe_sites(*module.elf, allocator_prefixes_), loader_.probe_mode() == ProbeMode::kSession, module);
  const bool is_program = module.is_static_program || module.elf->has_interpreter();
  const bool is_c_library = module.elf->find_function("__libc_start_main").has_value();
  module.is_allocator_library = module.has_c_allocator && !is_program && !is_c_library;
  module.python = find_python(*module.elf);
  module.job_control = find_job_control(module);
  module.tss_values = find_tss_values(*module.elf);
  symbolizer_.add_module(
      {module.index, module.path, open_path, "/proc/" + std::to_string(pid) + "/root", module.build_id});
  return &module;
}

Module *Modules::merge(const Key &key) {
  if (!rest_) rest_ = new_module("(further files)");
  if (merged_.size() < kMaxMerged) merged_.insert(key);
  return rest_.get();
}

std::unique_ptr<Module> Modules::new_module(const std::string &path) {
  auto module = std::make_unique<Module>();
  module->index = modules_.size();
  module->path = path;
  new_modules_.push_back(module.get());
  return module;
}

std::vector<const Module *> Modules::take_new() {
  return std::exchange(new_modules_, {});
}

}  // namespace mp
