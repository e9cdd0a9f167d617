// Any text as /proc/PID/smaps: whatever it says, the kinds of memory together are what its mappings have.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "resident.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  const std::string_view text(reinterpret_cast<const char *>(data), size_bytes);
  mp::parse_stack_pointer(text);
  mp::SmapsParser parser;
  const size_t piece = size_bytes > 0 ? data[0] + 1 : 1;
  for (size_t at = 0; at < size_bytes; at += piece) parser.add(text.substr(at, piece));
  const auto mappings = parser.take();
  uint64_t sum = 0;
  mp::ResidentHints hints;
  for (const auto &[mapping, resident_bytes] : mappings) {
    if (mapping.end < mapping.start || resident_bytes > mapping.end - mapping.start) abort();
    sum += resident_bytes;
    if (mapping.start % 3 == 0) hints.stack_pointers.insert(mapping.start);
  }
  hints.v8_chunks = mp::v8_heap_candidates(mappings);
  for (size_t i = 1; i < hints.v8_chunks.size(); i++)
    if (hints.v8_chunks[i].first < hints.v8_chunks[i - 1].second) hints.v8_chunks.resize(i);
  hints.present = [](const mp::AddressRange &range) { return range.second - range.first; };
  if (mp::classify_resident(mappings, hints).sum() != sum) abort();
  return 0;
}
