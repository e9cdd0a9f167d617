// Any bytes as an ELF file: its probe sites, what its functions call and the rows of its code.
#include <cstdlib>

#include "call_targets.h"
#include "code_rows.h"
#include "eh_frame.h"
#include "probe_sites.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  std::string error;
  const auto elf = mp::ElfFile::from_memory(data, size_bytes, &error);
  if (!elf) return 0;
  for (const auto &function : mp::find_probe_sites(*elf, {"je_"}).functions)
    if (function.name.empty()) abort();
  for (const mp::ElfSymbol &symbol : elf->symbols(true)) mp::call_targets(*elf, symbol.address, symbol.size_bytes);
  mp::lacks_unwind_information(*elf);
  auto rows = mp::build_unwind_rows(*elf, nullptr);
  mp::add_code_rows(*elf, rows);
  for (size_t i = 1; i < rows.size(); i++)
    if (rows[i - 1].pc >= rows[i].pc) abort();
  return 0;
}
