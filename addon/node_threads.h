// What the threads of Node are for. Up to Node 20 all of them have the name of the program; later versions give more
// and more of them names, which are those given here. What a thread begins with tells it: the outermost function of its
// stacks below those of libc.
#pragma once

#include <cstdint>
#include <vector>

#include "elf.h"

namespace mp {

struct NodeThreadRoot {
  uint64_t begin, end;  // ELF addresses
  const char *name;
};

// Empty if the file is not Node.
std::vector<NodeThreadRoot> find_node_thread_roots(const ElfFile &elf);

}  // namespace mp
