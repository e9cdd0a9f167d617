// The memory of a running program, read in whole pages that are kept: a call into the kernel takes longer than to copy
// one. What is read may be anything, so that its amount is limited.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "process_memory.h"

namespace mp {

class MemoryPages {
 public:
  static constexpr uint64_t kPageBytes = 4096;

  struct Limits {
    uint64_t reads;   // calls of the reader
    uint64_t copies;  // out of what was read
    uint64_t copied_bytes;
  };

  MemoryPages(const Limits &limits, MemoryReader reader) : limits_(limits), reader_(std::move(reader)) {}

  // false if not all can be read, or a limit is reached.
  bool read_bytes(uint64_t address, void *to, size_t size_bytes) {
    if (copies_ >= limits_.copies || size_bytes > limits_.copied_bytes - copied_bytes_) return false;
    copies_++;
    copied_bytes_ += size_bytes;
    // more than what one call reads faster than page by page
    if (size_bytes > kPageBytes) return read_directly(address, to, size_bytes);
    auto *out = static_cast<uint8_t *>(to);
    while (size_bytes > 0) {
      const uint64_t offset = address % kPageBytes;
      const Page *page = page_at(address - offset);
      if (page == nullptr) return false;
      const size_t part = std::min<uint64_t>(size_bytes, kPageBytes - offset);
      memcpy(out, page->data() + offset, part);
      address += part;
      out += part;
      size_bytes -= part;
    }
    return true;
  }

  // As memory is now, whatever is kept. Only the number of reads is limited.
  bool read_directly(uint64_t address, void *to, size_t size_bytes) {
    if (reads_ >= limits_.reads) return false;
    reads_++;
    return reader_(address, to, size_bytes);
  }

  // Memory is read anew from here on.
  void forget() { pages_.clear(); }
  void renew_limits() { reads_ = copies_ = copied_bytes_ = 0; }

 private:
  using Page = std::array<uint8_t, kPageBytes>;

  const Page *page_at(uint64_t address) {
    const auto known = pages_.find(address);
    if (known != pages_.end()) return &known->second;
    Page page;
    if (!read_directly(address, page.data(), kPageBytes)) return nullptr;
    return &pages_.emplace(address, page).first->second;
  }

  Limits limits_;
  MemoryReader reader_;
  uint64_t reads_ = 0, copies_ = 0, copied_bytes_ = 0;
  std::unordered_map<uint64_t, Page> pages_;  // by address
};

}  // namespace mp
