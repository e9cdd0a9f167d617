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
constexpr size_t kTrail = 64;
constexpr int kAttempts = 20, kMaxRepairs = 1000;
constexpr unsigned kRetryMicroseconds = 2000;

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
    for (int attempt = 0; attempt < kAttempts && !are_too_many_ && !memory_.is_exhausted(); attempt++) {
      if (attempt > 0) usleep(kRetryMicroseconds);
      memory_.forget();
      if (is_collecting()) continue;  // meanwhile objects are in other lists
      count_ = 0;
      if (count_all() && !is_collecting()) return count_;
    }
    return std::nullopt;
  }

 private:
  bool is_collecting() {
    for (const uint64_t collector : collectors_) {
      memory_.forget();
      if (memory_.read<uint32_t>(collector + kIsCollecting).value_or(1) != 0) return true;
    }
    return false;
  }

  // True for the head of a list: an object has been moved to that one.
  bool is_in_collector(uint64_t address) const {
    return std::any_of(collectors_.begin(), collectors_.end(),
                       [&](uint64_t collector) { return address - collector < kIsCollecting; });
  }

  bool count_all() {
    for (const uint64_t collector : collectors_)
      for (uint64_t i = 0; i < kGenerationCount; i++)
        if (!count_list(collector + kGenerations + i * kGenerationBytes)) return false;
    return true;
  }

  std::optional<Link> link_at(uint64_t address) {
    auto link = memory_.read<Link>(address);
    if (link) link->next &= ~kLinkFlags, link->previous &= ~kLinkFlags;
    return link;
  }

  bool count_list(uint64_t head) {
    const auto first = link_at(head);
    if (!first) return false;
    std::vector<uint64_t> trail{head};  // of late, the newest last
    uint64_t before = head, at = first->next;
    for (int repairs = 0; at != head;) {
      const auto link = link_at(at);
      if (link && link->previous == before) {
        are_too_many_ = ++count_ > limits_.objects;
        if (are_too_many_ || is_in_collector(at)) return false;
        if (trail.size() == 2 * kTrail) trail.erase(trail.begin(), trail.begin() + kTrail);
        trail.push_back(at);
        before = at;
        at = link->next;
        continue;
      }
      // something was taken out, or put in, after this memory was copied
      const auto next = ++repairs > kMaxRepairs ? std::nullopt : resume(trail);
      if (!next) return false;
      before = trail.back();
      at = *next;
    }
    return true;
  }

  // What follows on the last of the trail that is still in the list; the others are taken off.
  std::optional<uint64_t> resume(std::vector<uint64_t> &trail) {
    memory_.forget();
    for (; !trail.empty(); trail.pop_back(), count_--) {
      const auto link = link_at(trail.back());
      const auto previous = link ? link_at(link->previous) : std::nullopt;
      const auto next = link ? link_at(link->next) : std::nullopt;
      if (previous && next && previous->next == trail.back() && next->previous == trail.back()) return link->next;
    }
    return std::nullopt;
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
