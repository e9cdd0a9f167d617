// What is remembered of the events so far, by which the next are told: see src/store/event-history.ts, which does the
// same.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace mp {

struct EventKind {
  uint8_t operation;
  uint8_t allocator;
  uint32_t owner;
  // The last size and the one before.
  uint64_t sizes[2];
  uint32_t follower;
};

class EventKinds {
 public:
  size_t count() const { return kinds_.size(); }
  EventKind &operator[](size_t kind) { return kinds_[kind]; }
  uint32_t add(uint8_t operation, uint8_t allocator, uint32_t owner);
  // What is to be expected next. It need not exist.
  uint32_t by_context() const { return contexts_[context()]; }
  uint32_t by_last() const { return last_ < kinds_.size() ? kinds_[last_].follower : 0; }
  // `kind` must exist.
  void see(uint32_t kind);
  void see_size(uint32_t kind, uint64_t size);

 private:
  size_t context() const;

  std::vector<EventKind> kinds_;
  std::vector<uint32_t> contexts_ = std::vector<uint32_t>(1 << 16);
  uint32_t last_ = 0, before_ = 0, first_ = 0;
};

class EventHistory {
 public:
  static constexpr size_t kListLength = 32;

  EventKinds kinds;
  uint64_t last_freed = 0, last_address = 0, next_address = 0;

  static size_t list_of(uint64_t size_bytes);
  // The free block of this rank below kListLength; nothing if there is none.
  std::optional<uint64_t> free_block(size_t list, size_t rank);
  void remove_free(size_t list, size_t rank);
  void add_allocation(uint64_t address, uint64_t size_bytes, size_t list);
  // The allocation so many back; nothing if it is not remembered.
  std::optional<uint64_t> allocation_at(uint64_t distance) const;
  // `distance`: of an allocation that is remembered; 0: not known.
  void add_free(uint64_t address, uint64_t distance);

 private:
  static constexpr uint64_t kRemembered = 1 << 20;
  static constexpr size_t kLists = 4096;

  struct List {
    uint64_t &at(size_t rank) { return addresses[(top - rank) & (kListLength - 1)]; }

    uint8_t top = 0;
    std::array<uint64_t, kListLength> addresses;
  };

  List &list_at(size_t list);

  uint64_t allocations_ = 0;
  // Of the last kRemembered.
  std::vector<uint64_t> addresses_;
  std::vector<uint16_t> lists_;
  std::array<std::unique_ptr<List>, kLists> free_;
};

}  // namespace mp
