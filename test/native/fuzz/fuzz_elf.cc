// Any bytes as an ELF file: every question that can be asked of it is asked.
#include <cstdlib>

#include "eh_frame.h"
#include "elf.h"

using mp::ElfFile;

namespace {

volatile uint64_t sink;

void touch(const uint8_t *data, size_t size_bytes) {
  for (size_t i = 0; i < size_bytes; i++) sink = sink + data[i];
}

void ask_addresses(const ElfFile &elf, uint64_t address) {
  auto [code, size_bytes] = elf.bytes_at(address, 64);
  if (code != nullptr) touch(code, size_bytes);
  auto offset = elf.file_offset(address);
  if (offset && !elf.address_of_offset(*offset)) abort();
  elf.load_bias(address, offset.value_or(address));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  std::string error;
  auto elf = ElfFile::from_memory(data, size_bytes, &error);
  if (elf == nullptr) {
    if (error.empty()) abort();
    return 0;
  }
  sink = elf->build_id().size() + elf->interpreter().size() + (elf->is_dynamic() ? 1 : 0);
  if (auto link = elf->debuglink()) sink = link->first.size();
  for (const char *name : {".text", ".eh_frame", ".note.gnu.build-id", ".shstrtab", ""}) {
    auto section = elf->section(name);
    if (section) touch(section->data, section->size_bytes);
  }
  for (uint32_t type : {PT_LOAD, PT_DYNAMIC, PT_GNU_EH_FRAME, PT_TLS}) {
    auto segment = elf->segment(type);
    if (segment) touch(segment->data, segment->size_bytes);
  }
  ask_addresses(*elf, elf->lowest_address());
  ask_addresses(*elf, UINT64_MAX);
  auto symbols = elf->symbols(size_bytes % 2 == 0);
  for (size_t i = 0; i < symbols.size(); i++) {
    if (i > 0 && symbols[i - 1].address > symbols[i].address) abort();
    ask_addresses(*elf, symbols[i].address);
    if (i == 0) elf->find_function(symbols[i].name);
  }
  mp::EhFrameStats stats;
  mp::build_unwind_rows(*elf, &stats);
  return 0;
}
