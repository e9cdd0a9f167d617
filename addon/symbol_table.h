// Function names by address, from .symtab and .dynsym.
//
//   symbols                                   find(address)
//   0x1000  size 0x40  malloc (dynamic)       0x1010 malloc     one name of several at an address, always the same one
//   0x1000  size 0x40  __libc_malloc          0x1048 nothing    between two functions
//   0x1080  size 0     _start                 0x10f0 _start     no size: up to the next symbol or the section's end
//   0x1100  size 0x20  main
//
// Which of several names: exported before internal, without leading underscores, shorter, then alphabetical order.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "elf.h"
#include "interval_index.h"

namespace mp {

class SymbolTable {
 public:
  // End of the section that contains an address; UINT64_MAX if it is in none.
  using SectionEnd = std::function<uint64_t(uint64_t address)>;

  // `symbols` in any order; their names must outlive the table.
  SymbolTable(std::vector<ElfSymbol> symbols, const SectionEnd &section_end);

  // "" if no function covers the address.
  std::string_view find(uint64_t address) const;

 private:
  IntervalIndex<std::string_view> functions_;
};

}  // namespace mp
