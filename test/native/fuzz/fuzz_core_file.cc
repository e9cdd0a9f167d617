// Core files: whatever they say, what is copied lies within them, and mappings are in order.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "heap/core_file.h"

namespace {

constexpr uint64_t kMaxAddress = 1ull << 47;

void check(bool holds) {
  if (!holds) abort();
}

void read_around(const mp::CoreFile &core, uint64_t address) {
  uint8_t bytes[5000];
  for (const uint64_t at : {address - 1, address, address + 1, address + 4096}) {
    check(core.copy(at, bytes, sizeof(bytes)) <= sizeof(bytes));
    const mp::ProcMapping *file = core.file_at(at);
    if (file == nullptr) continue;
    check(file->inode != 0 && at >= file->start && at < file->end);
    check(core.copy(at, bytes, 1) == 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  const std::vector<uint8_t> exact(data, data + size_bytes);  // for the sanitizer: nothing lies behind it
  std::string error;
  const auto core = mp::CoreFile::parse(exact.data(), exact.size(), &error);
  if (!core) return 0;
  uint64_t before = 0;
  for (const mp::ProcMapping &mapping : core->mappings()) {
    check(mapping.start >= before && mapping.start <= mapping.end && mapping.end <= kMaxAddress);
    before = mapping.start;
    read_around(*core, mapping.start);
    read_around(*core, mapping.end);
  }
  for (const uint64_t address : {uint64_t{0}, kMaxAddress, ~uint64_t{0}}) read_around(*core, address);
  return 0;
}
