// What one poll hands to JavaScript: fixed-size records (bpf/mp.h, MP_RECORD_*) in a buffer of JavaScript's, and what
// was seen for the first time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../bpf/mp.h"
#include "resident.h"
#include "symbolize.h"

namespace mp {

// Word MP_RECORD_HEAD of a record.
inline uint32_t record_head(uint32_t operation, uint32_t allocator = 0, uint32_t flags = 0) {
  return operation | allocator << 8 | flags << 16;
}

struct ProcessRecord {
  uint32_t index;
  uint32_t pid;
  int64_t parent;  // index, -1: none
  const char *origin;
  uint64_t started_ns;
  std::string comm, executable, command_line, cgroup, runtime, warning;
};

struct ProcessEndRecord {
  uint32_t index;
  uint64_t ended_ns;
  int32_t exit_code;    // -1: none
  int32_t exit_signal;  // -1: none
};

// What was found out about a process after it began.
struct WarningRecord {
  uint32_t process;
  std::string text;
};

struct ThreadRecord {
  uint32_t index;
  uint32_t process;
  uint32_t tid;
  std::string name;
};

struct ModuleRecord {
  uint32_t index;
  std::string path, build_id;
};

struct StackRecord {
  uint32_t index;
  const char *status;
  std::vector<uint32_t> locations;  // innermost first
};

// A record RESIDENT refers to it by its place in the batch.
struct ResidentRecord {
  uint32_t process;
  bool has_v8_heap;  // its V8 is known
  Resident bytes;
};

struct Batch {
  uint32_t *words = nullptr;
  uint32_t capacity = 0;  // records
  uint32_t count = 0;
  uint64_t base_time_ns = 0;  // since the capture began; set by the first record
  std::vector<ProcessRecord> processes;
  std::vector<ProcessEndRecord> ends;
  std::vector<WarningRecord> warnings;
  std::vector<ThreadRecord> threads;
  std::vector<ModuleRecord> modules;
  std::vector<StackRecord> stacks;
  std::vector<SymbolResult> symbols;
  std::vector<ResidentRecord> residents;

  // An event can become three records; time deltas have 32 bits.
  bool full(uint64_t time_ns) const {
    return count + 4 > capacity || (count && time_ns - base_time_ns > 0xffffffffull);
  }

  void add(uint32_t head, uint32_t thread, uint32_t stack, uint64_t address, uint64_t size_bytes, uint64_t time_ns) {
    if (count == 0) base_time_ns = time_ns;
    uint32_t *record = words + static_cast<size_t>(count++) * MP_RECORD_WORDS;
    record[0] = head;
    record[1] = thread;
    record[2] = stack;
    record[3] = static_cast<uint32_t>(address);
    record[4] = static_cast<uint32_t>(address >> 32);
    record[5] = static_cast<uint32_t>(size_bytes);
    record[6] = static_cast<uint32_t>(size_bytes >> 32);
    // Reservation order is the order of events; their clocks were read a moment later and may run backwards by that.
    record[7] = time_ns > base_time_ns ? static_cast<uint32_t>(time_ns - base_time_ns) : 0;
  }
};

}  // namespace mp
