// Unwind rows of code that .eh_frame does not speak of, from the instructions themselves. musl is built without
// .eh_frame, and is what calls main, threads and the comparison functions of qsort.
//
// From the entry of each function on, the distance from rsp to the CFA is followed through pushes, pops and additions:
//
//   403f0  push r12          CFA = rsp + 8
//   403f2  push rbx          CFA = rsp + 16
//   403f3  sub rsp, 0x28     CFA = rsp + 24
//   403f7  ...               CFA = rsp + 64
//
// Entries are symbols, that of the program, targets of calls, and aligned addresses that the code takes. Where rsp is
// lost (alloca) and rbp is no frame pointer, and in code that nothing leads to, the rule of build_unwind_rows stays.
#pragma once

#include <vector>

#include "../bpf/mp.h"
#include "elf.h"

namespace mp {

// Whether the file has a C library in it without unwind information.
bool lacks_unwind_information(const ElfFile &elf);

// Puts what the code says into `rows`, those of build_unwind_rows, for the parts of .text that .eh_frame leaves out.
void add_code_rows(const ElfFile &elf, std::vector<mp_unwind_row> &rows);

}  // namespace mp
