// Where in a process the pages of V8's heaps lie, also of a process that was running before it was looked at.
//
// V8 maps its heap in chunks that begin at multiples of 256 KiB: pages of that size, and single large objects
// (src/heap/memory-chunk.h and its neighbours). At the beginning of each stands a header, which says where the chunk's
// objects begin and end, and to which heap it belongs:
//
//     0x2b82c00000  flags …, size 0x40000, heap 0x3381cea0, area 0x2b82c01140 to 0x2b82c40000
//
// Any memory could hold such numbers by chance, or because it was V8's once. So the numbers must fit each other and the
// address, and what they call a heap must be the heap of another chunk, too: every V8 has many.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "process_memory.h"

namespace mp {

constexpr uint64_t kV8ChunkAlignment = 256 << 10;  // kPageSizeBits in src/base/build_config.h

// Offsets in bytes. Those behind `metadata` are from where that word points to, which can be the chunk itself.
struct V8ChunkLayout {
  uint16_t metadata;  // 0: there is no such word, the fields are in the chunk
  uint16_t size, heap, area_start, area_end;
};

// nullptr: not known.
const V8ChunkLayout *find_v8_chunk_layout(int major, int minor);

// Addresses [first, second).
using AddressRange = std::pair<uint64_t, uint64_t>;

// The chunks that begin at multiples of kV8ChunkAlignment in the ranges; sorted, without overlaps. What `reader` does
// not give is no header.
std::vector<AddressRange> find_v8_chunks(const V8ChunkLayout &layout, const std::vector<AddressRange> &ranges,
                                         const MemoryReader &reader);

}  // namespace mp
