// Which allocator functions of a language are no allocators of their own, but pass each call on to another one.
//
//   operator new of libstdc++     calls malloc, again and again until it succeeds or there is no handler
//   __rust_alloc                  jumps to __rdl_alloc, which calls malloc or posix_memalign
//
// Such a function is not probed: the allocation is the other's, and the function is a frame. It is one if no way
// through it, by its code, returns without a call of another allocator. One that has memory of its own at hand, and
// asks another for more of it when that runs out, is an allocator.
#pragma once

#include <vector>

#include "allocator_symbols.h"
#include "elf.h"

namespace mp {

struct FoundFunction {
  const AllocatorSymbol *wanted;
  ElfSymbol symbol;
};

// Removes them, and of a family without an allocator what frees. `wanted`: by what names allocators are known.
void remove_wrappers(const ElfFile &elf, const std::vector<AllocatorSymbol> &wanted,
                     std::vector<FoundFunction> &functions);

}  // namespace mp
