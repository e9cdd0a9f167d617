#include "heap_tracked.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "heap_layout.h"

namespace mp {
namespace {

constexpr uint64_t kLinkFlags = 3;  // of _gc_next and _gc_prev
constexpr int kAttempts = 5, kWaits = 100;
constexpr unsigned kWaitMicroseconds = 2000;
// _gc_runtime_state.generation_stats[].collections
constexpr uint64_t kCollections = 128, kCollectionsBytes = 24;

// Of PyGC_Head.
struct Link {
  uint64_t next, previous;
};

// Memory in pieces that are as large as a pool: objects that are neighbours in a list are often in one, and the pool
// next to it may hold nothing that is tracked.
class PieceMemory {
 public:
  PieceMemory(const MemoryReader &reader, uint64_t max_copied_bytes)
      : reader_(reader),
        left_bytes_(max_copied_bytes),
        addresses_(kKeptBytes / kPieceBytes, kNothing),
        bytes_(new uint8_t[kKeptBytes]) {}

  template <typename T>
  std::optional<T> read(uint64_t address) {
    const uint64_t piece = address / kPieceBytes * kPieceBytes, offset = address - piece;
    if (offset + sizeof(T) > kPieceBytes) return std::nullopt;
    const size_t slot = piece / kPieceBytes % addresses_.size();
    uint8_t *bytes = bytes_.get() + slot * kPieceBytes;
    T value;
    if (addresses_[slot] != piece) {
      if (is_exhausted()) return std::nullopt;
      left_bytes_ -= kPieceBytes;
      addresses_[slot] = reader_(piece, bytes, kPieceBytes) ? piece : kNothing;
      if (addresses_[slot] == kNothing) {  // the end of a mapping may be in it
        if (!reader_(address, &value, sizeof(value))) return std::nullopt;
        return value;
      }
    }
    memcpy(&value, bytes + offset, sizeof(value));
    return value;
  }

  bool is_exhausted() const { return left_bytes_ < kPieceBytes; }
  void forget() { std::fill(addresses_.begin(), addresses_.end(), kNothing); }

 private:
  static constexpr uint64_t kPieceBytes = 16 << 10, kKeptBytes = 16 << 20, kNothing = ~uint64_t{0};

  const MemoryReader &reader_;
  uint64_t left_bytes_;
  std::vector<uint64_t> addresses_;  // of what is in each slot
  std::unique_ptr<uint8_t[]> bytes_;
};

class TrackedCounter {
 public:
  TrackedCounter(const MemoryReader &reader, const std::set<uint64_t> &collectors, const TrackedLimits &limits)
      : collectors_(collectors), limits_(limits), memory_(reader, limits.copied_bytes) {}

  std::optional<uint64_t> count() {
    uint64_t sum = 0;
    for (const uint64_t collector : collectors_) {
      const auto old = count_generations(collector, kGenerationCount - 1, kGenerationCount);
      const auto young = count_generations(collector, 0, kGenerationCount - 1);
      if (!old || !young) return std::nullopt;
      sum += *old + *young;
    }
    return sum;
  }

 private:
  // A collection takes objects out of its own generation and the younger ones, and puts them back in another order. So
  // the young ones are counted again if there was any, the oldest one only if that one was collected.
  std::optional<uint64_t> count_generations(uint64_t collector, uint64_t first, uint64_t end) {
    const uint64_t before = count_;
    for (int attempt = 0; attempt < kAttempts && !are_too_many_ && !memory_.is_exhausted(); attempt++) {
      count_ = before;
      const auto collections = wait_for_collections(collector, first);
      if (!collections) return std::nullopt;
      bool is_whole = true;
      for (uint64_t i = first; i < end && is_whole; i++)
        is_whole = count_list(collector + kGenerations + i * kGenerationBytes);
      if (is_whole && wait_for_collections(collector, first) == collections) return count_ - before;
    }
    return std::nullopt;
  }

  // How many there have been of that generation and the older ones, when none is going on. What is read then is fresh.
  std::optional<uint64_t> wait_for_collections(uint64_t collector, uint64_t first) {
    for (int wait = 0; wait < kWaits; wait++) {
      memory_.forget();
      const auto is_collecting = memory_.read<uint32_t>(collector + kIsCollecting);
      uint64_t sum = 0;
      for (uint64_t i = first; i < kGenerationCount; i++)
        sum += memory_.read<uint64_t>(collector + kCollections + i * kCollectionsBytes).value_or(0);
      if (is_collecting && *is_collecting == 0) return sum;
      usleep(kWaitMicroseconds);
    }
    return std::nullopt;
  }

  // True for the head of a list: an object has been moved to that one.
  bool is_in_collector(uint64_t address) const {
    return std::any_of(collectors_.begin(), collectors_.end(),
                       [&](uint64_t collector) { return address - collector < kIsCollecting; });
  }

  std::optional<Link> link_at(uint64_t address) {
    auto link = memory_.read<Link>(address);
    if (link) link->next &= ~kLinkFlags, link->previous &= ~kLinkFlags;
    return link;
  }

  // Each object must lead back to the one before: where something was taken out, or put in, after a part of the list
  // had been copied, another object may be by now, of another list.
  bool count_list(uint64_t head) {
    uint64_t before = head;
    for (auto link = link_at(head); link && link->next != head;) {
      const uint64_t at = link->next;
      link = link_at(at);
      are_too_many_ = ++count_ > limits_.objects;
      if (!link || link->previous != before || are_too_many_ || is_in_collector(at)) return false;
      before = at;
    }
    return link_at(head).has_value();
  }

  const std::set<uint64_t> &collectors_;
  const TrackedLimits limits_;
  uint64_t count_ = 0;
  bool are_too_many_ = false;
  PieceMemory memory_;
};

}  // namespace

std::optional<uint64_t> count_tracked(const MemoryReader &reader, const std::set<uint64_t> &collectors,
                                      const TrackedLimits &limits) {
  return collectors.empty() ? std::nullopt : TrackedCounter(reader, collectors, limits).count();
}

}  // namespace mp
