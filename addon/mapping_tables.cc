#include "mapping_tables.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "error.h"
#include "unique_fd.h"

namespace mp {
namespace {

constexpr uint32_t kSlotsAtOnce = 16;
constexpr uint32_t kMinCapacity = 63;  // two halves and the head fill a page

}  // namespace

MappingTables::~MappingTables() {
  for (const Table &table : tables_)
    if (table.elements) munmap(table.elements, byte_length(table.capacity));
}

void MappingTables::set(uint32_t slot, const std::vector<mp_mapping> &sorted) {
  if (slot >= tables_.size() || tables_[slot].capacity < sorted.size()) grow(slot, sorted.size());
  Table &table = tables_[slot];
  table.second_half = !table.second_half;
  const uint64_t half = table.second_half ? table.capacity : 0;
  std::copy(sorted.begin(), sorted.end(), table.elements + 1 + half);
  __atomic_store_n(&table.elements[0].start, sorted.size() | half << 32, __ATOMIC_RELEASE);
}

// Makes the table of a slot larger, or those of the next slots.
void MappingTables::grow(uint32_t slot, uint32_t capacity) {
  const uint32_t end = slot < tables_.size() ? slot + 1 : std::min<uint32_t>(slot + kSlotsAtOnce, MP_MAX_PROCESSES);
  const uint32_t begin = std::min<uint32_t>(slot, tables_.size());
  tables_.resize(std::max<size_t>(tables_.size(), end));
  std::vector<UniqueFd> owned;
  std::vector<uint32_t> slots(end - begin);
  std::iota(slots.begin(), slots.end(), begin);
  std::vector<int> fds;
  for (const uint32_t each : slots) {
    make_table(tables_[each], each == slot ? std::max(capacity, kMinCapacity) : kMinCapacity, fds);
    owned.emplace_back(fds.back());
  }
  uint32_t count = slots.size();
  if (bpf_map_update_batch(outer_map_, slots.data(), fds.data(), &count, nullptr))
    throw Error("LOAD", "cannot install BPF maps for mappings", errno);
}

void MappingTables::make_table(Table &table, uint32_t capacity, std::vector<int> &fds) {
  capacity = std::bit_ceil(capacity + 1) - 1;
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
  UniqueFd fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "mp_mappings", sizeof(uint32_t), sizeof(mp_mapping), 1 + 2 * capacity,
                             &options));
  if (!fd) throw Error("LOAD", "cannot create a BPF map for mappings", errno);
  void *memory = mmap(nullptr, byte_length(capacity), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) throw Error("LOAD", "cannot fill a BPF map for mappings", errno);
  if (table.elements) munmap(table.elements, byte_length(table.capacity));
  table = {static_cast<mp_mapping *>(memory), capacity, false};
  fds.push_back(fd.release());
}

size_t MappingTables::byte_length(uint32_t capacity) {
  return ((1 + 2 * size_t{capacity}) * sizeof(mp_mapping) + 4095) & ~size_t{4095};
}

}  // namespace mp
