// The blocks that pymalloc has given out: an arena is cut into pools, a pool into blocks of one size.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "heap_layout.h"
#include "heap_memory.h"
#include "heap_pointers.h"

namespace mp {

// The address of the array of arena_objects, `arenas`, that a word of `data` holds: up to 3.11 a static variable
// without a symbol that could be relied on. It is in one of `targets`, which are sorted. nullopt if there is none.
std::optional<uint64_t> find_arenas(const HeapLayout &layout, HeapMemory &memory, const AddressRanges &data,
                                    const AddressRanges &targets);

// Whether the array of arena_objects is at an address.
bool is_arena_array(const HeapLayout &layout, HeapMemory &memory, uint64_t address);

struct ArenaCounts {
  uint64_t arenas = 0;
  uint64_t blocks = 0;   // that are in use
  uint64_t damaged = 0;  // pools that make no sense, or can't be read
};

// `bytes` holds the block's `size_bytes`.
using VisitBlock = std::function<void(uint64_t address, const uint8_t *bytes, uint32_t size_bytes)>;

// All blocks in use of the arenas in the array at `arenas`.
ArenaCounts visit_blocks(const HeapLayout &layout, HeapMemory &memory, uint64_t arenas, const VisitBlock &visit);

}  // namespace mp
