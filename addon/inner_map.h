// An inner map of a map of maps: an array that BPF reads and that is written through memory shared with it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "unique_fd.h"

namespace mp {

class InnerMap {
 public:
  InnerMap() = default;
  // All zeros. `name` is what bpftool shows. Throws Error: LOAD.
  InnerMap(const char *name, uint32_t element_bytes, uint32_t count);
  InnerMap(InnerMap &&other) noexcept;
  InnerMap &operator=(InnerMap &&other) noexcept;
  ~InnerMap();

  void *memory() const { return memory_; }
  int fd() const { return fd_.get(); }
  // Once the outer map has it, which then keeps it. The memory stays.
  void close_fd() { fd_.reset(); }

 private:
  UniqueFd fd_;
  void *memory_ = nullptr;
  size_t size_bytes_ = 0;
};

}  // namespace mp
