#include "probe_sites.h"

#include "insn.h"

namespace mp {
namespace {

constexpr size_t kUnsizedFunctionBytes = 512;  // how far a function without a size is decoded to find a site

struct AllocatorFunction {
  mp_allocator id;
  const char *name;
  ProbeSites::Function::Kind kind;
};

constexpr AllocatorFunction kFunctions[] = {
#define X(id, NAME, name, kind) {MP_ALLOCATOR_##NAME, name, ProbeSites::Function::kind},
    MP_ALLOCATORS(X)
#undef X
};

std::optional<ProbeSite> pick_site(ProbeSites::Function::Kind kind, const uint8_t *code, size_t size_bytes) {
  switch (kind) {
    case ProbeSites::Function::SIMPLE:
      return pick_returnable_site(code, size_bytes);
    case ProbeSites::Function::FREE:
      return pick_entry_site(code, size_bytes);
    case ProbeSites::Function::RANGED:
      return pick_syscall_site(code, size_bytes);
  }
  return std::nullopt;
}

}  // namespace

ProbeSites find_probe_sites(const ElfFile &elf, bool is_static_program) {
  ProbeSites sites;
  for (const AllocatorFunction &function : kFunctions) {
    const auto symbol = elf.find_function(function.name);
    if (!symbol || (!symbol->dynamic && !is_static_program)) continue;
    const auto [code, size_bytes] =
        elf.bytes_at(symbol->address, symbol->size_bytes ? symbol->size_bytes : kUnsizedFunctionBytes);
    const auto entry = elf.file_offset(symbol->address);
    if (!code || !entry) continue;
    const auto site = pick_site(function.kind, code, size_bytes);
    sites.functions.push_back({function.id, function.kind, function.name, *entry + (site ? site->offset : 0),
                               site && site->single_stepped, !site});
    if (function.kind == ProbeSites::Function::FREE)
      sites.deallocator_code.emplace_back(symbol->address, symbol->address + symbol->size_bytes);
  }
  if (const auto symbol = elf.find_function("_dl_debug_state"))
    if (const auto offset = elf.file_offset(symbol->address)) sites.linker_state.push_back(*offset);
  return sites;
}

bool is_static_program(const ElfFile &elf) {
  return !elf.has_interpreter() && (!elf.is_dynamic() || elf.find_function("main"));
}

}  // namespace mp
