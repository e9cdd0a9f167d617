#include "heap_arenas.h"

#include <algorithm>
#include <bitset>

#include "heap_pools.h"

namespace mp {
namespace {

// Whether the first pool of an arena, if it was ever used, says that it belongs to that.
bool has_pool_of(const HeapLayout &layout, HeapMemory &memory, const ArenaObject &arena, uint32_t index) {
  const uint64_t address = pools_of(layout, arena).first;
  if (arena.pool_address <= address) return true;
  const auto pool = memory.read<PoolHeader>(address);
  return pool && pool->arena_index == index && pool->size_class < kSizeClasses;
}

class Pool {
 public:
  Pool(const HeapLayout &layout, HeapMemory &memory, uint64_t address) : address_(address) {
    bytes_.resize(layout.pool_bytes);
    is_readable_ = memory.read_bytes(address, bytes_.data(), bytes_.size());
    memcpy(&header_, bytes_.data(), sizeof(header_));
  }

  bool is_readable() const { return is_readable_; }
  bool is_free() const { return header_.used_blocks == 0; }

  // false if it is damaged: what is not known to be free is visited.
  bool visit(const VisitBlock &visit, uint64_t *count) const {
    if (header_.size_class >= kSizeClasses || header_.next_offset > bytes_.size() + kBlockUnit * kSizeClasses)
      return false;
    const uint32_t block_bytes = (header_.size_class + 1) * kBlockUnit;
    std::bitset<1024> is_free;
    const bool whole = mark_free(block_bytes, is_free);
    const uint32_t end = std::min<uint32_t>(header_.next_offset, static_cast<uint32_t>(bytes_.size()));
    for (uint32_t offset = sizeof(header_); offset + block_bytes <= end; offset += block_bytes) {
      if (is_free[offset / kBlockUnit]) continue;
      (*count)++;
      visit(address_ + offset, bytes_.data() + offset, block_bytes);
    }
    return whole;
  }

 private:
  // Each free block holds the address of the next.
  bool mark_free(uint32_t block_bytes, std::bitset<1024> &is_free) const {
    for (uint64_t block = header_.free_block; block != 0;) {
      const uint64_t offset = block - address_;
      if (block < address_ || offset < sizeof(header_) || offset + block_bytes > bytes_.size()) return false;
      if ((offset - sizeof(header_)) % block_bytes != 0 || is_free[offset / kBlockUnit]) return false;
      is_free[offset / kBlockUnit] = true;
      memcpy(&block, bytes_.data() + offset, sizeof(block));
    }
    return true;
  }

  uint64_t address_;
  bool is_readable_ = false;
  PoolHeader header_;
  std::vector<uint8_t> bytes_;
};

void visit_arena(const HeapLayout &layout, HeapMemory &memory, const ArenaObject &arena, const VisitBlock &visit,
                 ArenaCounts *counts) {
  const auto [begin, end] = pools_of(layout, arena);
  for (uint64_t address = begin; address < end; address += layout.pool_bytes) {
    const Pool pool(layout, memory, address);
    if (!pool.is_readable() || (!pool.is_free() && !pool.visit(visit, &counts->blocks))) counts->damaged++;
  }
}

}  // namespace

// It has at least 16 elements, INITIAL_ARENA_OBJECTS.
bool is_arena_array(const HeapLayout &layout, HeapMemory &memory, uint64_t address) {
  constexpr size_t kFirst = 16;
  const auto first = memory.read<std::array<ArenaObject, kFirst>>(address);
  if (!first) return false;
  bool has_any = false;
  for (uint32_t i = 0; i < kFirst; i++) {
    const ArenaObject &arena = (*first)[i];
    if (!is_arena_object(layout, arena)) return false;
    if (arena.address == 0) continue;
    if (!has_pool_of(layout, memory, arena, i)) return false;
    has_any = true;
  }
  return has_any;
}

std::optional<uint64_t> find_arenas(const HeapLayout &layout, HeapMemory &memory, const AddressRanges &data,
                                    const AddressRanges &targets) {
  // other variables may point to elements behind the first
  for (const uint64_t address : find_pointers(memory, data, targets))
    if (is_arena_array(layout, memory, address)) return address;
  return std::nullopt;
}

ArenaCounts visit_blocks(const HeapLayout &layout, HeapMemory &memory, uint64_t arenas, const VisitBlock &visit) {
  ArenaCounts counts;
  for (uint64_t i = 0; i < kMaxArenas; i++) {
    const auto arena = memory.read<ArenaObject>(arenas + i * sizeof(ArenaObject));
    if (!arena || !is_arena_object(layout, *arena)) break;
    if (arena->address == 0) continue;
    counts.arenas++;
    visit_arena(layout, memory, *arena, visit, &counts);
  }
  return counts;
}

}  // namespace mp
