// Where in an ELF file probes go: one site per allocator function that the file exports.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../bpf/mp.h"
#include "elf.h"

namespace mp {

struct ProbeSites {
  // A function and its site. Aliases of one address (cfree, old versions) are separate functions with the same site.
  struct Function {
    enum Kind { SIMPLE, FREE, RANGED };  // as in MP_ALLOCATORS

    mp_allocator allocator;
    Kind kind;
    std::string name;
    uint64_t file_offset;  // of the instruction; of the function's first one if there is no site
    bool single_stepped;   // works, but a hit is expensive
    bool missing;          // no place for a probe: calls of this function are not seen
  };

  std::vector<Function> functions;
  // ELF addresses [first, second) of functions that free: their own mappings are not the program's.
  std::vector<std::pair<uint64_t, uint64_t>> deallocator_code;
  std::vector<uint64_t> linker_state;  // file offset of _dl_debug_state, in the dynamic linker
};

// `is_static_program`: its own functions are what it calls, exported or not. Elsewhere a function that is not exported
// and happens to be called free is none of ours.
ProbeSites find_probe_sites(const ElfFile &elf, bool is_static_program);

// A program without interpreter that is neither a shared library nor the dynamic linker; a static-pie has a dynamic
// section, as those have.
bool is_static_program(const ElfFile &elf);

}  // namespace mp
