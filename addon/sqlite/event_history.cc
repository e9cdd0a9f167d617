#include "event_history.h"

#include <algorithm>

namespace mp {
namespace {

constexpr uint64_t kGrainBytes = 16;
constexpr uint64_t kOwnBytes = 8;

uint64_t grains_of(uint64_t size_bytes) {
  return (size_bytes + kOwnBytes + kGrainBytes - 1) / kGrainBytes;
}

}  // namespace

uint32_t EventKinds::add(uint8_t operation, uint8_t allocator, uint32_t owner) {
  kinds_.push_back({operation, allocator, owner, {0, 0}, 0});
  return static_cast<uint32_t>(kinds_.size() - 1);
}

size_t EventKinds::context() const {
  const uint32_t mixed = (last_ * 0x9e3779b1u) ^ (before_ * 0x85ebca6bu) ^ (first_ * 0xc2b2ae35u);
  return (mixed ^ (mixed >> 15)) & 0xffff;
}

void EventKinds::see(uint32_t kind) {
  contexts_[context()] = kind;
  kinds_[last_].follower = kind;
  first_ = before_;
  before_ = last_;
  last_ = kind;
}

void EventKinds::see_size(uint32_t kind, uint64_t size) {
  auto &sizes = kinds_[kind].sizes;
  if (sizes[0] == size) return;
  sizes[1] = sizes[0];
  sizes[0] = size;
}

size_t EventHistory::list_of(uint64_t size_bytes) {
  return grains_of(size_bytes) % kLists;
}

EventHistory::List &EventHistory::list_at(size_t list) {
  if (free_[list] == nullptr) {
    free_[list] = std::make_unique<List>();
    free_[list]->addresses.fill(UINT64_MAX);
  }
  return *free_[list];
}

std::optional<uint64_t> EventHistory::free_block(size_t list, size_t rank) {
  const uint64_t address = list_at(list).at(rank);
  return address == UINT64_MAX ? std::nullopt : std::optional(address);
}

void EventHistory::remove_free(size_t list, size_t rank) {
  List &blocks = list_at(list);
  for (size_t n = rank; n > 0; n--) blocks.at(n) = blocks.at(n - 1);
  blocks.at(0) = UINT64_MAX;
  blocks.top--;
}

void EventHistory::add_allocation(uint64_t address, uint64_t size_bytes, size_t list) {
  const size_t at = allocations_++ % kRemembered;
  if (at == addresses_.size()) {
    addresses_.emplace_back();
    lists_.emplace_back();
  }
  addresses_[at] = address;
  lists_[at] = static_cast<uint16_t>(list);
  last_address = address;
  next_address = address + std::max<uint64_t>(2, grains_of(size_bytes)) * kGrainBytes;
}

std::optional<uint64_t> EventHistory::allocation_at(uint64_t distance) const {
  if (distance > kRemembered || distance > allocations_) return std::nullopt;
  return addresses_[(allocations_ - distance) % kRemembered];
}

void EventHistory::add_free(uint64_t address, uint64_t distance) {
  last_freed = address;
  if (distance == 0) return;
  const size_t list = lists_[(allocations_ - distance) % kRemembered];
  list_at(list).top++;
  list_at(list).at(0) = address;
}

}  // namespace mp
