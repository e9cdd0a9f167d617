// System calls of mmap, munmap and mremap in code whose functions have no names: those of a stripped static program.
//
//   434e7c:  b8 09 00 00 00     mov $9, %eax      9 mmap, 11 munmap, 25 mremap
//   434e81:  0f 05              syscall
//   434e83:  48 3d 00 f0 ff ff  cmp $-4096, %rax
//   434e89:  77 25              ja ...            emulated; rax is the result, the arguments are in place: the site
//
// Nothing may branch between the mov and the site, nothing may jump there, and all of it must be known to be
// instructions (known_code.h). What is not of that form is not found: the number from a variable, as in syscall(), or
// the code of Go, which has no .eh_frame.
#pragma once

#include <cstdint>
#include <vector>

#include "../bpf/mp.h"
#include "elf.h"

namespace mp {

struct MappingSyscall {
  mp_allocator allocator;
  uint64_t address;     // ELF address of the site
  bool single_stepped;  // works, but a hit is expensive
};

std::vector<MappingSyscall> find_mapping_syscalls(const ElfFile &elf);

}  // namespace mp
