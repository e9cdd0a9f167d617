// The clock of events: CLOCK_MONOTONIC, as bpf_ktime_get_ns gives it.
#pragma once

#include <time.h>

#include <cstdint>

namespace mp {

inline uint64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000ull + now.tv_nsec;
}

}  // namespace mp
