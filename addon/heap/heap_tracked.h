// Counts the objects that garbage collectors track, in lists that change meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "../process_memory.h"

namespace mp {

struct TrackedLimits {
  uint64_t objects;
  uint64_t copied_bytes;
};

// `collectors`: addresses of struct _gc_runtime_state. nullopt if a limit is reached, or the lists are never whole.
std::optional<uint64_t> count_tracked(const MemoryReader &reader, const std::set<uint64_t> &collectors,
                                      const TrackedLimits &limits);

}  // namespace mp
