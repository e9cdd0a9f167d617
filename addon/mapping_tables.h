// The mappings of traced processes as BPF reads them (bpf/mp.h, struct mp_mapping): one table per slot, an inner map of
// the map `mappings`.
//
// Putting an inner map into its place waits for a grace period of the kernel, 6 to 20 ms, and a process that forks or
// calls exec is held meanwhile. So that happens for many slots at once, and a table is used for all processes that come
// to have its slot. It has two halves:
//
//     0       head   number of mappings | index of the half << 32
//     1 …     half 0
//     1 + n … half 1
//
// The half that is not in use is written, then the head, in one word.
#pragma once

#include <cstdint>
#include <vector>

#include "../bpf/mp.h"
#include "inner_map.h"

namespace mp {

class MappingTables {
 public:
  explicit MappingTables(int outer_map) : outer_map_(outer_map) {}
  MappingTables(const MappingTables &) = delete;

  // Throws Error.
  void set(uint32_t slot, const std::vector<mp_mapping> &sorted);

 private:
  struct Table {
    InnerMap map;
    uint32_t capacity = 0;     // of a half
    bool second_half = false;  // in use

    mp_mapping *elements() const { return static_cast<mp_mapping *>(map.memory()); }
  };

  void grow(uint32_t slot, uint32_t capacity);

  int outer_map_;
  std::vector<Table> tables_;  // by slot
};

}  // namespace mp
