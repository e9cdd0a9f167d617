// Any bytes as the memory in which the pages of V8's heaps are searched; the first one chooses the layout. Nothing is
// read that was not asked for, and what is found has the form that is promised.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "v8_pages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  if (size_bytes < 1) return 0;
  const std::pair<int, int> versions[] = {{11, 3}, {12, 4}, {13, 6}};
  const auto &[major, minor] = versions[data[0] % 3];
  constexpr uint64_t kBase = 0x100000, kBegin = 128;
  // Each chunk has the next 128 bytes of the input; metadata lies in memory of its own, which is the whole input.
  const auto reader = [&](uint64_t address, void *to, size_t wanted) {
    uint64_t at = address;
    if (address >= kBase) at = (address - kBase) / mp::kV8ChunkAlignment * kBegin + address % mp::kV8ChunkAlignment;
    if (at >= size_bytes || wanted > size_bytes - at) return false;
    memcpy(to, data + at, wanted);
    return true;
  };
  const uint64_t end = kBase + (size_bytes / kBegin + 1) * mp::kV8ChunkAlignment;
  uint64_t last = 0;
  for (const auto &[first, second] : find_v8_chunks(*mp::find_v8_chunk_layout(major, minor), {{kBase, end}}, reader)) {
    if (first < last || first >= second || first % mp::kV8ChunkAlignment != 0 || first < kBase || first >= end) abort();
    last = second;
  }
  return 0;
}
