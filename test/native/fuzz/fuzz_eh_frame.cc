// Any bytes as the .eh_frame section of a library. What comes out must be a table that the unwinder can search: total,
// sorted, merged.
#include <cstdlib>

#include "eh_frame.h"
#include "elf_builder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  ElfBuilder builder;
  builder.add_segment({PT_LOAD, PF_R | PF_X, 0x1000}, ElfBuilder::Bytes(16, 0x90));
  builder.add_section(".eh_frame", {SHT_PROGBITS, 0x20000}, ElfBuilder::Bytes(data, data + size_bytes));
  ElfBuilder::Bytes image = builder.build();
  std::string error;
  auto elf = mp::ElfFile::from_memory(image.data(), image.size(), &error);
  if (elf == nullptr) abort();
  mp::EhFrameStats stats;
  auto rows = mp::build_unwind_rows(*elf, &stats);
  if (stats.rows != rows.size()) abort();
  // Each row needs an instruction byte, each FDE adds its first and a gap.
  if (rows.size() > 2 * size_bytes + 2) abort();
  for (size_t i = 0; i < rows.size(); i++) {
    if ((rows[i].rule & 7) > MP_CFA_DEREF) abort();
    if (i == 0 && rows[i].pc != 0) abort();
    if (i > 0 && (rows[i].pc <= rows[i - 1].pc || rows[i].rule == rows[i - 1].rule)) abort();
  }
  return 0;
}
