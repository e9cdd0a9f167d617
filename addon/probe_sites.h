// Where in an ELF file probes go: one site per allocator function that the file has.
//
// Which functions those are is a matter of names (allocator_symbols.h, rust_allocators.h). The operators of C++ and the
// functions of Rust count where they are allocators of their own (allocator_wrappers.h).
//
// A static program without such names, because it was stripped, has its system calls instead (mapping_syscalls.h).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../bpf/mp.h"
#include "allocator_symbols.h"
#include "elf.h"

namespace mp {

struct ProbeSites {
  // A function and its site. Aliases of one address (cfree, old versions) are separate functions with the same site.
  struct Function {
    FunctionKind kind;
    std::string name;
    uint32_t cookie;
    uint64_t file_offset;         // of the instruction
    bool returns = false;         // the probe watches entry and return; else it is one at `file_offset` alone
    bool single_stepped = false;  // works, but a hit is expensive
  };

  std::vector<Function> functions;
  bool has_c_allocator = false;   // malloc or the like, not only those of a language
  bool has_inlined_rust = false;  // an allocator of Rust's that can't be probed
  // ELF addresses [first, second) of functions that free, and of an allocator library that is linked into a program:
  // their own mappings are not the program's.
  std::vector<std::pair<uint64_t, uint64_t>> allocator_code;
  std::vector<uint64_t> linker_state;  // file offset of _dl_debug_state, in the dynamic linker
};

// `prefixes`: of renamed allocators.
ProbeSites find_probe_sites(const ElfFile &elf, const std::vector<std::string> &prefixes);

// A program without interpreter that is neither a shared library nor the dynamic linker; a static-pie has a dynamic
// section, as those have.
bool is_static_program(const ElfFile &elf);

}  // namespace mp
