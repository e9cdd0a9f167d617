#include "heap_figures.h"

#include <algorithm>
#include <array>

#include "heap_dict.h"
#include "heap_pools.h"
#include "heap_tracked.h"

namespace mp {
namespace {

// ---- pymalloc ----

struct Arenas {
  uint64_t count = 0, max_count = 0, free_pools = 0;
  std::vector<std::pair<uint64_t, uint64_t>> pools;  // ranges of those that are or were in use
  uint64_t pool_count = 0;                           // in them
};

// What an arena was is still written where its address is 0. An arena_object that was never used is taken only if all
// others are in use: those that were ever used are at the beginning of the array, and as many as there have been arenas
// at a time (new_arena in obmalloc.c).
bool was_associated(const HeapLayout &layout, const ArenaObject &arena) {
  const uint32_t pools = layout.arena_bytes / layout.pool_bytes;
  return arena.address == 0 && arena.free_pools == arena.all_pools &&
         (arena.all_pools == pools || arena.all_pools == pools - 1);
}

void add_arenas(const HeapLayout &layout, HeapMemory &memory, uint64_t array, Arenas &sum) {
  for (uint64_t i = 0; i < kMaxArenas; i++) {
    const auto arena = memory.read<ArenaObject>(array + i * sizeof(ArenaObject));
    if (!arena || !(is_associated(layout, *arena) || was_associated(layout, *arena))) return;
    sum.max_count++;
    if (arena->address == 0) continue;
    sum.count++;
    sum.free_pools += arena->free_pools;
    sum.pools.push_back(pools_of(layout, *arena));
    sum.pool_count += (sum.pools.back().second - sum.pools.back().first) / layout.pool_bytes;
  }
}

// false if the header makes no sense.
bool add_pool(const HeapLayout &layout, const PoolHeader &pool, PymallocFigures::Blocks &sum) {
  if (pool.used_blocks == 0) return true;  // one of Arenas::free_pools
  if (pool.size_class >= kSizeClasses) return false;
  const uint64_t block_bytes = (pool.size_class + 1) * kBlockUnit;
  const uint64_t all_blocks = (layout.pool_bytes - sizeof(PoolHeader)) / block_bytes;
  if (pool.used_blocks > all_blocks) return false;
  sum.count += pool.used_blocks;
  sum.allocated_bytes += pool.used_blocks * block_bytes;
  sum.free_bytes += (all_blocks - pool.used_blocks) * block_bytes;
  return true;
}

// nullopt if more than a hundredth of the pools can't be read.
std::optional<PymallocFigures::Blocks> read_pools(const HeapLayout &layout, const ScatteredReader &reader,
                                                  const Arenas &arenas) {
  constexpr size_t kAtOnce = 512;
  PymallocFigures::Blocks sum;
  uint64_t damaged = 0;
  std::vector<uint64_t> addresses;
  std::vector<PoolHeader> headers(kAtOnce);
  const auto flush = [&] {
    while (!addresses.empty()) {
      const size_t copied = std::min(reader(addresses, headers.data(), sizeof(PoolHeader)), addresses.size());
      for (size_t i = 0; i < copied; i++) damaged += add_pool(layout, headers[i], sum) ? 0 : 1;
      const size_t done = std::min(copied + 1, addresses.size());
      damaged += done - copied;
      addresses.erase(addresses.begin(), addresses.begin() + static_cast<ptrdiff_t>(done));
    }
  };
  for (const auto &[begin, end] : arenas.pools)
    for (uint64_t address = begin; address < end; address += layout.pool_bytes) {
      addresses.push_back(address);
      if (addresses.size() == kAtOnce) flush();
    }
  flush();
  sum.free_bytes += arenas.free_pools * layout.pool_bytes;
  if (damaged > arenas.pool_count / 100) return std::nullopt;
  return sum;
}

std::optional<PymallocFigures> read_pymalloc(const HeapLayout &layout, HeapMemory &memory, const HeapRoots &roots,
                                             const ScatteredReader &reader, uint64_t max_pools) {
  Arenas arenas;
  for (const uint64_t array : find_arena_arrays(layout, memory, roots)) add_arenas(layout, memory, array, arenas);
  if (arenas.count == 0) return std::nullopt;
  PymallocFigures figures{arenas.count * layout.arena_bytes, arenas.max_count * layout.arena_bytes, std::nullopt};
  if (arenas.pool_count <= max_pools) figures.blocks = read_pools(layout, reader, arenas);
  return figures;
}

// ---- interned strings ----

constexpr uint64_t kMinInterned = 64;
// sizeof(PyInterpreterState) of 3.12 and 3.13 is less.
constexpr uint64_t kMaxInterpreterBytes = 512 << 10;

bool has_flag(HeapMemory &memory, uint64_t object, TypeFlag flag) {
  const auto type = memory.read<uint64_t>(object + kObjectType);
  const auto flags = type && *type % 8 == 0 ? memory.read<uint64_t>(*type + kTypeFlags) : std::nullopt;
  return flags && (*flags & flag) != 0 && (*flags & kReady) != 0;
}

// The dict of interned strings is unlike any other one: each key is its own value. nullopt if it is none.
std::optional<InternedFigures> interned_dict(const HeapLayout &layout, HeapMemory &memory, uint64_t address) {
  if (!has_flag(memory, address, kIsDict)) return std::nullopt;
  const auto dict = read_dict(memory, address);
  if (!dict || dict->used < kMinInterned || dict->values != 0) return std::nullopt;
  const auto keys = read_dict_keys(layout, memory, dict->keys);
  if (!keys || keys->count < dict->used) return std::nullopt;
  uint64_t same = 0;
  for (uint64_t i = 0; i < keys->count && same < kMinInterned; i++) {
    const auto entry = memory.read<std::array<uint64_t, 2>>(keys->entries + ((i + 1) * keys->entry_words - 2) * 8);
    if (!entry) return std::nullopt;
    const auto [key, value] = *entry;
    if (value == 0) continue;  // deleted
    if (key != value || !has_flag(memory, key, kIsStr)) return std::nullopt;
    same++;
  }
  constexpr uint64_t kDictBytes = 48;
  if (same < kMinInterned) return std::nullopt;
  return InternedFigures{dict->used, kCollectorHeadBytes + kDictBytes + keys->size_bytes};
}

// A variable without a symbol, from 3.12 on a field of each interpreter.
std::optional<InternedFigures> read_interned(const HeapLayout &layout, HeapMemory &memory, const HeapRoots &roots,
                                             AddressRanges data, const AddressRanges &objects) {
  if (layout.minor >= 12) {
    data.clear();
    for (const uint64_t interpreter : find_interpreters(layout, memory, roots.runtime))
      data.emplace_back(interpreter, interpreter + kMaxInterpreterBytes);
  }
  std::optional<InternedFigures> sum;
  for (const uint64_t address : find_pointers(memory, data, objects)) {
    const auto found = interned_dict(layout, memory, address);
    if (!found) continue;
    if (!sum) sum.emplace();
    sum->count += found->count;
    sum->size_bytes += found->size_bytes;
  }
  return sum;
}

}  // namespace

HeapFigures read_figures(const HeapLayout &layout, const HeapRoots &roots, const FigureSource &source,
                         const FigureLimits &limits) {
  HeapMemory memory(source.reader);
  HeapFigures figures;
  figures.pymalloc = read_pymalloc(layout, memory, roots, source.scattered_reader, limits.pools);
  figures.tracked = count_tracked(source.reader, find_collectors(layout, memory, roots.runtime),
                                  {limits.tracked, limits.copied_bytes});
  figures.interned = read_interned(layout, memory, roots, source.data, source.objects);
  return figures;
}

}  // namespace mp
