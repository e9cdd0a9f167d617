// When the resident memory of processes is looked at, and looking at it.
//
// The kernel walks the pages of a process for that, which takes about a millisecond for each 100 MiB, and twice more to
// search V8's pages among them. So it is done when a process begins, when its resident set has grown by a tenth and by
// 4 MiB beyond what was seen, and every second besides, but never for more than a hundredth of the time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "resident.h"

namespace mp {

class ResidentSampler {
 public:
  // The present size of a process's resident set; `process` is its index.
  void note(uint32_t process, uint64_t rss_bytes, uint64_t now_ns);
  // The process whose turn it is; nullopt: nobody's.
  std::optional<uint32_t> due(uint64_t now_ns) const;
  // nullopt if the process is gone. `chunk`: of its V8; nullptr: it has none, or none that is known.
  std::optional<Resident> sample(uint32_t process, int pid, const V8ChunkLayout *chunk);
  void forget(uint32_t process) { processes_.erase(process); }

 private:
  struct State {
    uint64_t due_ns = 0;
    uint64_t largest_bytes = 0;              // resident set that was seen
    bool has_v8_heap = false;                // was seen
    std::map<int, uint64_t> stack_pointers;  // by tid, the last that was known
  };

  static Resident read(State &state, int pid, const V8ChunkLayout *chunk, std::vector<ResidentMapping> mappings);

  std::map<uint32_t, State> processes_;  // by index
  uint64_t next_ns_ = 0;                 // not before: the last time has to be paid for
};

}  // namespace mp
