// What the memory of a process that is resident is used for: every mapping belongs to one kind, and the kinds together
// are the resident set.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "smaps.h"
#include "v8_pages.h"

namespace mp {

// Bytes.
struct Resident {
  uint64_t v8_heap = 0;    // pages of V8's heaps that hold no code
  uint64_t jit_code = 0;   // executable memory that is no file's
  uint64_t brk = 0;        // [heap], the memory that malloc takes first
  uint64_t anonymous = 0;  // other memory that is no file's: malloc's arenas and large blocks, what programs map
  uint64_t stack = 0;      // of threads, as far as their stack pointers are known
  uint64_t file = 0;       // mapped files: code and data of the program and its libraries
  uint64_t shared = 0;     // MAP_SHARED
  // Not resident, and so no part of the sum: anonymous address space that was reserved, not touched, or given back.
  uint64_t untouched = 0;

  uint64_t sum() const { return v8_heap + jit_code + brk + anonymous + stack + file + shared; }
};

// Resident bytes of a range of addresses.
using PresentCounter = std::function<uint64_t(const AddressRange &range)>;

struct ResidentHints {
  std::set<uint64_t> stack_pointers;    // of threads
  std::vector<AddressRange> v8_chunks;  // sorted
  PresentCounter present;               // for mappings of which only a part is V8's
};

// The mappings in which V8's heap may lie.
std::vector<AddressRange> v8_heap_candidates(const std::vector<ResidentMapping> &mappings);

Resident classify_resident(const std::vector<ResidentMapping> &mappings, const ResidentHints &hints);

// The stack pointer in /proc/PID/task/TID/syscall, which is there while the thread sleeps (fs/proc/base.c,
// proc_pid_syscall): "202 0x… 0x80 0x0 0x0 0x0 0x0 0x7ffc1a2b3c48 0x7f1…" or "-1 0x7ffc… 0x7f1…" or "running".
std::optional<uint64_t> parse_stack_pointer(std::string_view text);

}  // namespace mp
