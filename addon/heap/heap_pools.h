// How pymalloc keeps account of its memory (Objects/obmalloc.c, from 3.12 Include/internal/pycore_obmalloc.h): an array
// of arena_objects, and a header at the beginning of each pool.
#pragma once

#include <algorithm>
#include <cstdint>

#include "heap_layout.h"
#include "heap_memory.h"

namespace mp {

constexpr uint64_t kMaxArenas = 1 << 22;
constexpr uint32_t kSizeClasses = 32, kBlockUnit = 16;

struct ArenaObject {
  uint64_t address;       // 0: not in use
  uint64_t pool_address;  // of the first pool that was never used
  uint32_t free_pools;
  uint32_t all_pools;
  uint64_t free_list, next, previous;
};
static_assert(sizeof(ArenaObject) == 48);

struct PoolHeader {
  uint32_t used_blocks, padding;
  uint64_t free_block;
  uint64_t next, previous;
  uint32_t arena_index;
  uint32_t size_class;
  uint32_t next_offset;  // of the first block that was never used
  uint32_t last_offset;
};
static_assert(sizeof(PoolHeader) == 48);

inline bool is_associated(const HeapLayout &layout, const ArenaObject &arena) {
  const uint32_t pools = layout.arena_bytes / layout.pool_bytes;
  return arena.address != 0 && arena.address % HeapMemory::kPageBytes == 0 && arena.address < HeapMemory::kMaxAddress &&
         (arena.all_pools == pools || arena.all_pools == pools - 1) && arena.free_pools <= arena.all_pools &&
         arena.pool_address >= arena.address &&
         arena.pool_address <= arena.address + layout.arena_bytes + layout.pool_bytes;
}

// One that is not in use is on a list of them.
inline bool is_arena_object(const HeapLayout &layout, const ArenaObject &arena) {
  return arena.address == 0 ? arena.next % 8 == 0 : is_associated(layout, arena);
}

// The addresses of the pools of an arena that have been in use, maybe are no more: [first, second).
inline std::pair<uint64_t, uint64_t> pools_of(const HeapLayout &layout, const ArenaObject &arena) {
  const uint64_t begin = (arena.address + layout.pool_bytes - 1) / layout.pool_bytes * layout.pool_bytes;
  const uint64_t end = std::min(arena.pool_address, arena.address + layout.arena_bytes);
  return {begin, end < begin ? begin : begin + (end - begin) / layout.pool_bytes * layout.pool_bytes};
}

}  // namespace mp
