// From an address to functions, files and lines, by the DWARF of one file. Uses libdw; one thread at a time.
//
// An address in code into which two functions were inlined, one into the other, has three frames:
//
//   0x1153 in   main.c:30  main                    frames  function        line (where in it)   inlined
//            main.c:30  └ read_all (list.h)                grow            list.h:12            yes
//            list.h:21     └ grow (list.h)                 read_all        list.h:21            yes
//            list.h:12        └ 0x1153                     main            main.c:30            no
//
// The line table gives only the innermost line; the lines further out are the DW_AT_call_line of the inlined functions.
//
// Three indexes, each made when it is first needed: units by address (from the units' own ranges; .debug_aranges is
// absent from what clang and rustc write), functions of a unit by address, lines of a unit by address (libdw's). Below
// a function its scopes are searched anew for each address.
//
// The input is not trusted: see elf_image.h for bounds and dwarf_check.h for sizes. Here depth, the number of entries
// visited and the time spent are limited; beyond the limits there are fewer frames or none.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "elf_image.h"

namespace mp {

struct SymbolFrame {
  std::string function;  // "": unknown; demangled in full
  std::string file;      // "": unknown; absolute unless the compiler was told otherwise
  uint32_t line = 0;     // 0: unknown
  bool inlined = false;
  const char *language = "native";
};

class DwarfFile {
 public:
  // `alternate`: what image->alt_link() names, or nullptr. nullptr if the image has no DWARF that can be used.
  static std::unique_ptr<DwarfFile> open(std::shared_ptr<const ElfImage> image,
                                         std::shared_ptr<const ElfImage> alternate);
  ~DwarfFile();
  DwarfFile(const DwarfFile &) = delete;
  DwarfFile &operator=(const DwarfFile &) = delete;

  // Innermost frame first; empty if no unit covers the ELF address. The function of the last one is "" where only lines
  // are known.
  std::vector<SymbolFrame> resolve(uint64_t address);

 private:
  class Reader;
  explicit DwarfFile(std::unique_ptr<Reader> reader);
  std::unique_ptr<Reader> reader_;
};

}  // namespace mp
