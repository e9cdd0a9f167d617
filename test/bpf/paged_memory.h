// User memory made of pages for the helpers to read: what is not on one of them cannot be read.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>

#include "unwinder_host.h"

class PagedMemory {
 public:
  static constexpr uint64_t kPageSize = 4096;
  // What nobody wrote: neither zero nor an address of anything, so that reading the wrong place shows.
  static constexpr uint8_t kUnset = 0xdb;

  // Every page that holds some of these bytes. What they held stays.
  void map(uint64_t address, uint64_t size_bytes) {
    for (uint64_t page = address / kPageSize; page <= (address + size_bytes - 1) / kPageSize; page++) {
      auto [at, is_new] = pages_.try_emplace(page);
      if (is_new) at->second.fill(kUnset);
    }
  }
  void unmap(uint64_t address) { pages_.erase(address / kPageSize); }

  void put_bytes(uint64_t address, const void *from, uint64_t size_bytes) {
    if (size_bytes == 0) return;
    map(address, size_bytes);
    for_each_page(address, size_bytes, [&](uint64_t page, uint64_t offset, uint64_t done, uint64_t length) {
      memcpy(pages_.at(page).data() + offset, static_cast<const uint8_t *>(from) + done, length);
      return true;
    });
  }
  template <class T>
  void put(uint64_t address, T value) {
    put_bytes(address, &value, sizeof(value));
  }

  // How often the helpers read.
  uint64_t reads = 0;

  bool read(void *to, uint64_t size_bytes, uint64_t address) const {
    if (size_bytes && address + size_bytes - 1 < address) return false;
    return for_each_page(address, size_bytes, [&](uint64_t page, uint64_t offset, uint64_t done, uint64_t length) {
      const auto found = pages_.find(page);
      if (found == pages_.end()) return false;
      memcpy(static_cast<uint8_t *>(to) + done, found->second.data() + offset, length);
      return true;
    });
  }

  // Makes it what the helpers read.
  void use() {
    host.memory = this;
    host.read = [](void *memory, void *to, uint32_t size_bytes, uint64_t address) {
      auto self = static_cast<PagedMemory *>(memory);
      self->reads++;
      return self->read(to, size_bytes, address) ? 0 : -1;
    };
  }

 private:
  // Calls `visit` with the part of the bytes on each page, until it returns false.
  template <class Visit>
  static bool for_each_page(uint64_t address, uint64_t size_bytes, Visit visit) {
    for (uint64_t done = 0, length; done < size_bytes; done += length) {
      const uint64_t offset = (address + done) % kPageSize;
      length = std::min(size_bytes - done, kPageSize - offset);
      if (!visit((address + done) / kPageSize, offset, done, length)) return false;
    }
    return true;
  }

  std::map<uint64_t, std::array<uint8_t, kPageSize>> pages_;
};
