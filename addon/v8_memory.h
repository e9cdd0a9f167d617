// The heap of a V8 that is running, read from its memory: words, and what they point to.
//
// The program is not stopped, and memory may hold anything: what is read is checked, and its amount is limited. Whole
// pages are read and kept, because a call into the kernel takes longer than to copy one.
//
// Objects are named by words as they stand in slots and fields: the address with a tag in the lowest bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "memory_pages.h"
#include "v8_layout.h"

namespace mp {

class V8Memory {
 public:
  // What is done at most between two calls of forget(): enough for the source text of a large script, or for the
  // functions of some hundred stacks, and over in less than a second.
  static constexpr uint64_t kMaxReads = 1 << 14;   // calls of the reader
  static constexpr uint64_t kMaxCopies = 1 << 20;  // out of what was read
  static constexpr uint64_t kMaxCopiedBytes = 128 << 20;

  static constexpr uint64_t kPageBytes = MemoryPages::kPageBytes;

  V8Memory(const V8Layout &layout, MemoryReader reader)
      : layout_(layout), pages_({kMaxReads, kMaxCopies, kMaxCopiedBytes}, std::move(reader)) {}

  const V8Layout &layout() const { return layout_; }

  // false if not all can be read, or the limit is reached.
  bool read_bytes(uint64_t address, void *to, size_t size_bytes) { return pages_.read_bytes(address, to, size_bytes); }
  template <typename T>
  std::optional<T> read(uint64_t address) {
    T value;
    if (!read_bytes(address, &value, sizeof(value))) return std::nullopt;
    return value;
  }

  bool is_object(uint64_t word) const {
    return (word & layout_.tags.heap_object_tag_mask) == layout_.tags.heap_object_tag;
  }
  // The number of a Smi; nullopt if the word is none.
  std::optional<int32_t> smi(uint64_t word) const;
  // The address of byte `offset` of an object; nullopt if the word points to none.
  std::optional<uint64_t> address(uint64_t object, uint64_t offset) const;

  // What a field of an object holds; nullopt if there is no object, or nothing of this kind.
  template <typename T>
  std::optional<T> number(uint64_t object, uint64_t offset) {
    const auto at = address(object, offset);
    return at ? read<T>(*at) : std::nullopt;
  }
  std::optional<uint64_t> word(uint64_t object, uint64_t offset) { return number<uint64_t>(object, offset); }
  std::optional<int32_t> smi(uint64_t object, uint64_t offset);

  // The instance type; nullopt if there is no object, or it is just being moved.
  std::optional<uint16_t> type(uint64_t object);
  bool is(uint64_t object, uint16_t instance_type) { return type(object) == instance_type; }

  // Memory is read anew from here on, with new limits.
  void forget();

 private:
  V8Layout layout_;
  MemoryPages pages_;
};

}  // namespace mp
