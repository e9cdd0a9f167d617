// Index of an object by its address: open addressing over the column of addresses, four bytes per slot.
#pragma once

#include <cstdint>
#include <vector>

namespace mp {

class HeapTable {
 public:
  static constexpr uint32_t kNone = ~0u;

  explicit HeapTable(const std::vector<uint64_t> &addresses) : addresses_(addresses), slots_(1 << 16, kNone) {}

  uint32_t find(uint64_t address) const { return slots_[slot_of(address)]; }

  // For the address that was added last.
  void add() {
    if (addresses_.size() * 3 > slots_.size() * 2) return grow();
    slots_[slot_of(addresses_.back())] = static_cast<uint32_t>(addresses_.size() - 1);
  }

 private:
  size_t slot_of(uint64_t address) const {
    const size_t mask = slots_.size() - 1;
    size_t slot = (address * 0x9e3779b97f4a7c15ull >> 20) & mask;
    while (slots_[slot] != kNone && addresses_[slots_[slot]] != address) slot = (slot + 1) & mask;
    return slot;
  }

  void grow() {
    slots_.assign(slots_.size() * 2, kNone);
    for (size_t i = 0; i < addresses_.size(); i++) slots_[slot_of(addresses_[i])] = static_cast<uint32_t>(i);
  }

  const std::vector<uint64_t> &addresses_;
  std::vector<uint32_t> slots_;
};

}  // namespace mp
