// Unwind rows of a module, from its .eh_frame section.
//
// .eh_frame is a list of FDEs, one per function, each with a pointer back to the CIE that it shares with others:
//
//   CIE "zR"          CFA = rsp + 8, return address at CFA - 8; pcs are pc-relative 32-bit numbers
//   FDE 26000..26360  CFA = rsp + 16; from 26006 on: rsp + 24; from 26010 on: PLT expression
//   FDE 26360..26370  nothing: the rules of the CIE hold
//
// gives, for a module whose lowest address is 0, the rows (pc, rule)
//
//   0x00000  frame pointer       no FDE speaks of what lies before the first
//   0x26000  CFA = rsp + 16
//   0x26006  CFA = rsp + 24
//   0x26010  PLT
//   0x26360  CFA = rsp + 8
//   0x26370  frame pointer
//
// A look-up is one binary search for the last row at or below a pc; every pc has a row. Rows are sorted, neighbours
// differ in their rule. Where FDEs overlap (no linker makes such), the one that begins first wins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../bpf/mp.h"
#include "elf.h"

namespace mp {

struct EhFrameStats {
  size_t fdes;
  size_t rows;
  size_t skipped_fdes;       // malformed, or further than 4 GiB from the lowest address
  size_t unsupported_rules;  // rows that say MP_CFA_NONE because struct mp_unwind_row cannot hold the rule
};

// Empty if the file has no usable .eh_frame. pcs are relative to elf.lowest_address(). `stats` may be null.
std::vector<mp_unwind_row> build_unwind_rows(const ElfFile &elf, EhFrameStats *stats);

// The code that .eh_frame speaks of: ELF addresses [first, second) of functions and of parts of functions, sorted.
std::vector<std::pair<uint64_t, uint64_t>> described_ranges(const ElfFile &elf);

// Gives the code in `ranges`, ELF addresses [first, second), sorted, another rule.
void mark_ranges(std::vector<mp_unwind_row> &rows, const std::vector<std::pair<uint64_t, uint64_t>> &ranges,
                 uint64_t lowest_address, uint32_t rule);

}  // namespace mp
