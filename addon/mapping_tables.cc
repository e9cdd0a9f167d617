#include "mapping_tables.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "error.h"

namespace mp {
namespace {

constexpr uint32_t kSlotsAtOnce = 16;
constexpr uint32_t kMinCapacity = 63;  // two halves and the head fill a page

}  // namespace

void MappingTables::set(uint32_t slot, const std::vector<mp_mapping> &sorted) {
  if (slot >= tables_.size() || tables_[slot].capacity < sorted.size()) grow(slot, sorted.size());
  Table &table = tables_[slot];
  table.second_half = !table.second_half;
  const uint64_t half = table.second_half ? table.capacity : 0;
  std::copy(sorted.begin(), sorted.end(), table.elements() + 1 + half);
  __atomic_store_n(&table.elements()[0].start, sorted.size() | half << 32, __ATOMIC_RELEASE);
}

// Makes the table of a slot larger, or those of the next slots.
void MappingTables::grow(uint32_t slot, uint32_t capacity) {
  const uint32_t end = slot < tables_.size() ? slot + 1 : std::min<uint32_t>(slot + kSlotsAtOnce, MP_MAX_PROCESSES);
  const uint32_t begin = std::min<uint32_t>(slot, tables_.size());
  tables_.resize(std::max<size_t>(tables_.size(), end));
  std::vector<uint32_t> slots(end - begin);
  std::iota(slots.begin(), slots.end(), begin);
  std::vector<int> fds;
  for (const uint32_t each : slots) {
    const uint32_t wanted = std::bit_ceil((each == slot ? std::max(capacity, kMinCapacity) : kMinCapacity) + 1) - 1;
    tables_[each] = {InnerMap("mp_mappings", sizeof(mp_mapping), 1 + 2 * wanted), wanted, false};
    fds.push_back(tables_[each].map.fd());
  }
  uint32_t count = slots.size();
  if (bpf_map_update_batch(outer_map_, slots.data(), fds.data(), &count, nullptr))
    throw Error("LOAD", "cannot install BPF maps for mappings", errno);
  for (const uint32_t each : slots) tables_[each].map.close_fd();
}

}  // namespace mp
