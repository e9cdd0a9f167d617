#include "modules.h"

#include <cinttypes>
#include <cstdio>

#include "eh_frame.h"
#include "insn.h"

namespace mp {
namespace {

constexpr size_t kUnsizedFunctionBytes = 512;  // how far a function without a size is decoded to find a site

struct AllocatorFunction {
  mp_allocator id;
  const char *name;
  enum { SIMPLE, FREE, RANGED } kind;
};

constexpr AllocatorFunction kFunctions[] = {
#define X(id, NAME, name, kind) {MP_ALLOCATOR_##NAME, name, AllocatorFunction::kind},
    MP_ALLOCATORS(X)
#undef X
};

}  // namespace

std::string map_files_path(int pid, const ProcMapping &mapping) {
  char path[96];
  snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, mapping.start, mapping.end);
  return path;
}

void Modules::find_sites(Module &module) {
  const ElfFile &elf = *module.elf;
  for (const AllocatorFunction &function : kFunctions) {
    const auto symbol = elf.find_function(function.name);
    // A static function that happens to be called free is none of ours, unless the program is linked statically.
    if (!symbol || (!symbol->dynamic && !module.is_static_program)) continue;
    const auto [code, size] =
        elf.bytes_at(symbol->address, symbol->size_bytes ? symbol->size_bytes : kUnsizedFunctionBytes);
    const auto entry = elf.file_offset(symbol->address);
    if (!code || !entry) continue;
    const auto add = [&](std::vector<UprobeSite> &sites, const ProbeSite &site) {
      sites.push_back({*entry + site.offset, static_cast<uint64_t>(function.id)});
      if (site.single_stepped) module.single_stepped.push_back(function.name);
    };
    if (function.kind == AllocatorFunction::SIMPLE) {
      add(module.allocators, pick_returnable_site(code, size));
    } else if (function.kind == AllocatorFunction::FREE) {
      add(module.deallocators, pick_entry_site(code, size));
    } else if (const auto site = pick_syscall_site(code, size)) {
      add(module.mapping_calls, *site);
    } else {
      module.unprobed.push_back(function.name);
    }
  }
  // aliases of one address (cfree, old versions): one probe
  for (auto *sites : {&module.allocators, &module.deallocators, &module.mapping_calls}) {
    std::vector<UprobeSite> distinct;
    for (const UprobeSite &site : *sites) {
      bool known = false;
      for (const UprobeSite &other : distinct) known |= other.file_offset == site.file_offset;
      if (!known) distinct.push_back(site);
    }
    *sites = std::move(distinct);
  }
  if (const auto symbol = elf.find_function("_dl_debug_state")) {
    if (const auto offset = elf.file_offset(symbol->address)) module.linker_state.push_back({*offset, 0});
  }
}

Module &Modules::of_mapping(int pid, const ProcMapping &mapping) {
  const Key key{mapping.dev_major, mapping.dev_minor, mapping.inode};
  if (const auto found = modules_.find(key); found != modules_.end()) return *found->second;

  auto owned = std::make_unique<Module>();
  Module &module = *owned;
  module.index = modules_.size();
  module.path = mapping.path;
  modules_.emplace(key, std::move(owned));
  new_modules_.push_back(&module);

  const std::string open_path = map_files_path(pid, mapping);
  std::string error;
  module.elf = ElfFile::open(open_path, &error);
  if (!module.elf || module.index >= MP_MAX_MODULES) return module;
  module.readable = true;
  module.build_id = module.elf->build_id();
  module.lowest_address = module.elf->lowest_address();
  // a program without interpreter; a static-pie has a dynamic section, as shared libraries and the linker have
  module.is_static_program =
      !module.elf->has_interpreter() && (!module.elf->is_dynamic() || module.elf->find_function("main"));
  EhFrameStats stats;
  const auto rows = build_unwind_rows(*module.elf, &stats);
  module.row_count = rows.size();
  if (!rows.empty()) loader_.set_rows(module.index, rows);
  find_sites(module);
  symbolizer_.add_module(
      {module.index, module.path, open_path, "/proc/" + std::to_string(pid) + "/root", module.build_id});
  return module;
}

std::vector<const Module *> Modules::take_new() {
  return std::exchange(new_modules_, {});
}

}  // namespace mp
