// The stacks of one process, or those that mean the same in all, by the hash that BPF gives them (bpf/stack_hash.h).
//
// The hashes of a process have a seed that changes whenever addresses get a new meaning (exec, an unmapped module).
// Those of an older seed are needed as long as the ring may still hold events from before the change, and are forgotten
// then: a program that loads and unloads a plugin all day has no more of them than one that loaded it once.
//
// There are never many more than fit: then those that nobody refers to for a while are forgotten, too. If one of these
// comes again after all, BPF has to send it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "../bpf/mp.h"

namespace mp {

struct KnownStack {
  uint32_t index = 0;                 // of the stack in the capture
  bool is_lost = false;               // its frames did not arrive
  bool is_allocators = false;         // the innermost frame is the allocator's own: it maps memory for itself
  bool is_internal = false;           // a mapping with it is no mapping of the program
  const char *thread_name = nullptr;  // what its outermost function says that the thread is for; nullptr: nothing
};

class StackTable {
 public:
  // `capacity`: far more than BPF remembers to have sent
  explicit StackTable(size_t capacity = size_t{4} * MP_SEEN_STACKS) : capacity_(capacity) {}

  // nullptr if unknown. `time_ns`: of the event that refers to it, on the clock of bpf_ktime_get_ns.
  KnownStack *find(uint64_t hash, uint64_t time_ns);
  KnownStack &add(uint64_t hash, uint64_t time_ns);
  // The process got a new seed at `time_ns`.
  void new_seed(uint64_t time_ns);

 private:
  struct Generation {
    uint64_t retired_ns = ~0ull;
    bool was_full = false;  // its hashes are of the present seed
    std::unordered_map<uint64_t, KnownStack> stacks;
  };
  size_t capacity_;
  std::deque<Generation> generations_{1};  // newest last
};

}  // namespace mp
