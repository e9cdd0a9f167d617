// What has to hold before libdw may look at DWARF of a target.
//
// libdw 0.188 checks the bounds of what it reads, but not how much work and memory a small input asks for:
//
//   names     a file name of a line table is stored with its directory in front: 1 MB of table can ask for terabytes
//   rows      a line table needs over 100 bytes of memory for each byte of its program
//   abbrev    each unit has its own copy of its abbreviations, though thousands of units may share one table
//
// When memory runs out libdw ends the process. So sizes are added up here first, in one pass over the headers.
#pragma once

#include <cstdint>
#include <string_view>

#include "elf_image.h"

namespace mp {

// Units and their abbreviation tables. To be asked once per file, before anything else.
bool dwarf_units_are_sane(const ElfImage &image);

// The line table at an offset of .debug_line; its size is added to *decoded_bytes, the sum of all tables of a file that
// were decoded and are kept by libdw.
bool dwarf_line_table_is_sane(const ElfImage &image, uint64_t offset, uint64_t *decoded_bytes);

}  // namespace mp
