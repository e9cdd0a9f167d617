// The functions behind Rust's #[global_allocator].
//
// All that Rust's collections allocate goes through four functions, which the compiler makes:
//
//   __rust_alloc(size, alignment)          __rust_alloc_zeroed(size, alignment)
//   __rust_dealloc(block, size, alignment) __rust_realloc(block, old size, alignment, size)
//
// Without a #[global_allocator] they jump to __rdl_alloc and so on, which end in malloc, posix_memalign, calloc,
// realloc and free. With one, older compilers (1.63) let them jump to __rg_alloc and so on, which are its methods;
// newer ones (1.95) make its methods of them, and mangle the names as those of a crate __rustc, whose hash depends on
// the compiler:
//
//   _RNvCsfLfy6EI15iL_7___rustc12___rust_alloc
//
// Then an optimizing compiler may also put the allocator into the code that calls it. Some of its blocks would be seen,
// or only their ends: it is not probed, which is said.
//
// library/alloc/src/alloc.rs in Rust's sources; RFC 2603 (mangling).
#pragma once

#include <vector>

#include "allocator_symbols.h"
#include "allocator_wrappers.h"
#include "elf.h"

namespace mp {

// With the mangled names of the compilers that made parts of the file.
std::vector<AllocatorSymbol> rust_allocator_symbols(const ElfFile &elf);

// Removes those of an allocator that nobody in the file calls. Returns whether there were any.
bool remove_inlined_rust(const ElfFile &elf, std::vector<FoundFunction> &functions);

}  // namespace mp
