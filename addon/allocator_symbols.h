// The functions that allocate and free, by the names that C libraries and allocator libraries give them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../bpf/mp.h"

namespace mp {

enum class FunctionKind { kSimple, kFree, kRanged };  // as in MP_ALLOCATORS

// In which symbol tables a name means what it says.
enum class NameScope {
  kExported,  // malloc, free: in .dynsym, and in .symtab of a static program; elsewhere it is somebody's own function
  kProgram,   // mallocx, tc_malloc, mi_malloc: also in .symtab of a program, which may have the library linked into it
  kAnywhere,  // with a prefix that the user gave, or that only a compiler gives
};

// Who calls it. Those of C++ and Rust may pass calls on to another allocator.
enum class AllocatorFamily { kC, kCxx, kRust };

struct AllocatorSymbol {
  std::string name;
  FunctionKind kind;
  uint32_t cookie;  // MP_COOKIE
  NameScope scope;
  AllocatorFamily family;

  mp_allocator allocator() const { return static_cast<mp_allocator>(MP_COOKIE_ALLOCATOR(cookie)); }
};

// Of several names for one address the first counts. `prefixes`: of renamed allocators, "je_" for je_malloc.
std::vector<AllocatorSymbol> allocator_symbols(const std::vector<std::string> &prefixes);

}  // namespace mp
