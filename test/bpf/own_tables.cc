#include "own_tables.h"

#include <unistd.h>

#include <stdexcept>
#include <string>

#include "eh_frame.h"
#include "elf.h"
#include "proc_maps.h"

Tables own_tables() {
  Tables tables;
  const auto maps = mp::read_proc_maps(getpid());
  if (!maps) throw std::runtime_error("/proc/self/maps");
  for (const mp::ProcMapping &mapping : *maps) {
    if (!mapping.executable || mapping.path == "[vsyscall]") continue;
    mp_mapping entry{mapping.start, mapping.end, 0, MP_NO_MODULE, 0};
    if (mapping.inode != 0) {
      std::string error;
      auto elf = mp::ElfFile::open(mapping.path, &error);
      if (!elf) throw std::runtime_error(mapping.path + ": " + error);
      auto bias = elf->load_bias(mapping.start, mapping.offset);
      auto rows = mp::build_unwind_rows(*elf, nullptr);
      if (!bias || rows.empty()) throw std::runtime_error(mapping.path + " has no unwind rows");
      entry.module = static_cast<uint32_t>(tables.rows.size());
      if (entry.module >= HOST_MODULES) throw std::runtime_error("too many modules");
      entry.bias = *bias + elf->lowest_address();
      entry.row_count = static_cast<uint32_t>(rows.size());
      tables.rows[entry.module] = std::move(rows);
    }
    tables.mappings.push_back(entry);
  }
  return tables;
}
