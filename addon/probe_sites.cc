#include "probe_sites.h"

#include <algorithm>
#include <optional>

#include "allocator_wrappers.h"
#include "insn.h"
#include "mapping_syscalls.h"
#include "rust_allocators.h"

namespace mp {
namespace {

constexpr size_t kUnsizedFunctionBytes = 512;  // how far a function without a size is decoded to find a site

// How the functions inside of jemalloc, tcmalloc and mimalloc are called.
constexpr std::string_view kInnerNames[] = {"je_", "jemalloc_", "malloc_init_", "_rjem_je_", "_ZN8tcmalloc", "_mi_"};

bool is_in_scope(const AllocatorSymbol &wanted, const ElfSymbol &symbol, const ElfFile &elf) {
  if (symbol.dynamic || wanted.scope == NameScope::kAnywhere) return true;
  return is_static_program(elf) || (wanted.scope == NameScope::kProgram && elf.has_interpreter());
}

std::vector<FoundFunction> find_functions(const ElfFile &elf, const std::vector<AllocatorSymbol> &wanted) {
  std::vector<std::string_view> names;
  for (const AllocatorSymbol &one : wanted) names.push_back(one.name);
  const auto symbols = elf.find_functions(names);
  std::vector<FoundFunction> found;
  for (size_t i = 0; i < wanted.size(); i++)
    if (symbols[i] && is_in_scope(wanted[i], *symbols[i], elf)) found.push_back({&wanted[i], *symbols[i]});
  return found;
}

void add_linked_library(const ElfFile &elf, ProbeSites &sites) {
  const bool is_program = is_static_program(elf) || elf.has_interpreter();
  if (!is_program || sites.functions.empty()) return;
  for (const ElfSymbol &symbol : elf.symbols(true))
    for (const std::string_view inner : kInnerNames)
      if (symbol.name.substr(0, inner.size()) == inner)
        sites.allocator_code.emplace_back(symbol.address, symbol.address + symbol.size_bytes);
}

size_t count_arguments(uint32_t cookie) {
  const size_t context = cookie & MP_COOKIE_CONTEXT ? 1 : 0;
  switch (MP_COOKIE_SIGNATURE(cookie)) {
    case MP_SIGNATURE_SIZE:
      return context + 1;
    case MP_SIGNATURE_REALLOC_PRODUCT:
    case MP_SIGNATURE_STORED:
      return context + 3;
    case MP_SIGNATURE_MAPPING:
    case MP_SIGNATURE_REALLOC_FOURTH:
      return 4;
    default:
      return context + 2;
  }
}

uint32_t moved_registers(const ArgumentSite &site) {
  if (!site.is_moved()) return 0;
  uint32_t cookie = MP_COOKIE_MOVED;
  for (size_t i = 0; i < 4; i++) cookie |= MP_COOKIE_REGISTER(i, site.registers[i]);
  return cookie;
}

// Sets the site, and in the cookie where arguments are there.
void pick_site(const uint8_t *code, size_t size_bytes, ProbeSites::Function &function) {
  function.returns = function.kind != FunctionKind::kFree;
  if (function.kind == FunctionKind::kRanged) {
    if (const auto site = pick_syscall_site(code, size_bytes)) {
      function.returns = false;
      function.file_offset += site->offset;
      function.single_stepped = site->single_stepped;
      return;
    }
  }
  const auto site = pick_argument_site(code, size_bytes, count_arguments(function.cookie), function.returns);
  function.file_offset += site.offset;
  function.single_stepped = site.single_stepped;
  function.cookie |= moved_registers(site);
}

const char *name_of(mp_allocator allocator) {
  return allocator == MP_ALLOCATOR_MMAP ? "mmap" : allocator == MP_ALLOCATOR_MUNMAP ? "munmap" : "mremap";
}

// What can be seen of a program whose functions have no names.
void add_system_calls(const ElfFile &elf, ProbeSites &sites) {
  for (const MappingSyscall &call : find_mapping_syscalls(elf))
    if (const auto offset = elf.file_offset(call.address))
      sites.functions.push_back({FunctionKind::kRanged, name_of(call.allocator),
                                 MP_COOKIE(call.allocator, MP_SIGNATURE_MAPPING), *offset, false, call.single_stepped});
}

}  // namespace

ProbeSites find_probe_sites(const ElfFile &elf, const std::vector<std::string> &prefixes) {
  ProbeSites sites;
  auto wanted = allocator_symbols(prefixes);
  for (AllocatorSymbol &one : rust_allocator_symbols(elf)) wanted.push_back(std::move(one));
  auto functions = find_functions(elf, wanted);
  remove_wrappers(elf, wanted, functions);
  sites.has_inlined_rust = remove_inlined_rust(elf, functions);
  for (const auto &[symbol, found] : functions) {
    const auto [code, size_bytes] =
        elf.bytes_at(found.address, found.size_bytes ? found.size_bytes : kUnsizedFunctionBytes);
    const auto entry = elf.file_offset(found.address);
    if (!code || !entry) continue;
    sites.functions.push_back({symbol->kind, symbol->name, symbol->cookie, *entry});
    sites.has_c_allocator |= symbol->kind == FunctionKind::kSimple && symbol->family == AllocatorFamily::kC;
    pick_site(code, size_bytes, sites.functions.back());
    if (symbol->kind == FunctionKind::kFree)
      sites.allocator_code.emplace_back(found.address, found.address + found.size_bytes);
  }
  add_linked_library(elf, sites);
  if (sites.functions.empty() && is_static_program(elf)) add_system_calls(elf, sites);
  if (const auto symbol = elf.find_function("_dl_debug_state"))
    if (const auto offset = elf.file_offset(symbol->address)) sites.linker_state.push_back(*offset);
  return sites;
}

bool is_static_program(const ElfFile &elf) {
  return !elf.has_interpreter() && (!elf.is_dynamic() || elf.is_pie() || elf.find_function("main"));
}

}  // namespace mp
