// Variables of an interpreter for which there is no symbol are found by what they point to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "heap_memory.h"

namespace mp {

using AddressRanges = std::vector<std::pair<uint64_t, uint64_t>>;  // [first, second)

// The words of `data` that may be pointers into `targets`, which are sorted: each once, the lowest first.
inline std::vector<uint64_t> find_pointers(HeapMemory &memory, const AddressRanges &data,
                                           const AddressRanges &targets) {
  constexpr uint64_t kAlignment = 16;
  std::vector<uint64_t> found, words(HeapMemory::kPageBytes / 8);
  for (const auto &[begin, end] : data)
    for (uint64_t address = begin; address < end; address += HeapMemory::kPageBytes) {
      const uint64_t size_bytes = std::min(end - address, HeapMemory::kPageBytes) / 8 * 8;
      if (!memory.read_bytes(address, words.data(), size_bytes)) continue;
      for (uint64_t i = 0; i < size_bytes / 8; i++) {
        const uint64_t word = words[i];
        if (word % kAlignment != 0 || word == 0) continue;
        const auto after = std::upper_bound(targets.begin(), targets.end(), std::pair{word, ~uint64_t{0}});
        if (after != targets.begin() && word < std::prev(after)->second) found.push_back(word);
      }
    }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace mp
