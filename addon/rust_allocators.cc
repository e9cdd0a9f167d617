#include "rust_allocators.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

namespace mp {
namespace {

constexpr std::string_view kCrate = "_7___rustc";
constexpr size_t kMaxManglings = 8;
constexpr size_t kMaxHashBytes = 32;

struct Function {
  const char *operation;
  FunctionKind kind;
  mp_allocator allocator;
  mp_signature signature;
};

constexpr Function kFunctions[] = {
    {"alloc", FunctionKind::kSimple, MP_ALLOCATOR_RUST_ALLOC, MP_SIGNATURE_SIZE},
    {"alloc_zeroed", FunctionKind::kSimple, MP_ALLOCATOR_RUST_ZEROED, MP_SIGNATURE_SIZE},
    {"realloc", FunctionKind::kSimple, MP_ALLOCATOR_RUST_REALLOC, MP_SIGNATURE_REALLOC_FOURTH},
    {"dealloc", FunctionKind::kFree, MP_ALLOCATOR_FREE, MP_SIGNATURE_SIZE},
};

// What comes before kCrate in names of the file: "_RNvCsfLfy6EI15iL".
std::set<std::string> manglings(const ElfFile &elf) {
  std::set<std::string> found;
  for (const char *name : {".strtab", ".dynstr"}) {
    const auto section = elf.section(name);
    if (!section) continue;
    const std::string_view names(reinterpret_cast<const char *>(section->data), section->size_bytes);
    for (size_t at = 0; (at = names.find(kCrate, at)) != names.npos && found.size() < kMaxManglings; at++) {
      const size_t before = std::min(at, kMaxHashBytes);
      const std::string_view start = names.substr(at - before, before);
      const size_t begin = start.rfind("_RNvCs");
      if (begin != start.npos) found.emplace(start.substr(begin));
    }
  }
  return found;
}

void add(std::vector<AllocatorSymbol> &symbols, const std::string &name, const Function &function) {
  symbols.push_back({name, function.kind, MP_COOKIE(function.allocator, function.signature), NameScope::kAnywhere,
                     AllocatorFamily::kRust});
}

// Whether there is a direct call of or jump to the function, or bytes that look like one.
bool is_called(const ElfFile &elf, uint64_t function) {
  const auto text = elf.section(".text");
  for (size_t at = 0; text && at + 5 <= text->size_bytes; at++) {
    if (text->data[at] != 0xe8 && text->data[at] != 0xe9) continue;
    int32_t displacement;
    memcpy(&displacement, text->data + at + 1, sizeof(displacement));
    if (text->address + at + 5 + displacement == function) return true;
  }
  return false;
}

}  // namespace

std::vector<AllocatorSymbol> rust_allocator_symbols(const ElfFile &elf) {
  std::vector<AllocatorSymbol> symbols;
  const auto mangled = manglings(elf);
  for (const char *prefix : {"__rg_", "__rust_"})
    for (const Function &function : kFunctions) {
      const std::string name = std::string(prefix) + function.operation;
      add(symbols, name, function);
      // an identifier that begins with _ has another one before it
      for (const std::string &before : mangled)
        add(symbols, before + std::string(kCrate) + std::to_string(name.size()) + "_" + name, function);
    }
  return symbols;
}

bool remove_inlined_rust(const ElfFile &elf, std::vector<FoundFunction> &functions) {
  const bool is_inlined = std::any_of(functions.begin(), functions.end(), [&](const FoundFunction &function) {
    return function.wanted->allocator() == MP_ALLOCATOR_RUST_ALLOC && !is_called(elf, function.symbol.address);
  });
  if (!is_inlined) return false;
  const auto is_rust = [](const FoundFunction &function) { return function.wanted->family == AllocatorFamily::kRust; };
  functions.erase(std::remove_if(functions.begin(), functions.end(), is_rust), functions.end());
  return true;
}

}  // namespace mp
