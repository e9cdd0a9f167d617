// All objects of a process at one moment, in columns: one element per object.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "heap_types.h"

namespace mp {

enum HeapFlag : uint8_t {
  kTracked = 1,   // by the garbage collector: what gc.get_objects() gives
  kFrozen = 2,    // in its permanent generation, which that leaves out: gc.freeze(), and what is immortal
  kPymalloc = 4,  // in a block of pymalloc
};

struct HeapProblems {
  uint64_t links = 0;     // of the collector's lists, that lead nowhere or back
  uint64_t objects = 0;   // without a type, a reference count or a size that makes sense
  uint64_t contents = 0;  // whose references could not all be read
  uint64_t pools = 0;     // of pymalloc, that make no sense
  uint64_t limits = 0;    // objects and references beyond what is read at most
};

struct HeapSnapshot {
  static constexpr uint32_t kNone = ~0u;

  std::deque<HeapType> types;
  std::vector<uint64_t> addresses;
  std::vector<uint64_t> sizes;  // sys.getsizeof
  std::vector<uint32_t> type_of;
  std::vector<uint32_t> reference_counts;  // at most 2^32 - 1
  std::vector<uint8_t> flags;
  std::vector<uint32_t> owners;  // of a dict: whose __dict__ it is; kNone: of nobody
  // References of object i: targets[first_target[i]] up to targets[first_target[i + 1]].
  std::vector<uint32_t> first_target;
  std::vector<uint32_t> targets;
  HeapProblems problems;
  // Of C types whose structure is not known: what these refer to is not known, either.
  uint64_t unknown_objects = 0;
  uint64_t unknown_types = 0;
  uint64_t arenas = 0;
  uint64_t blocks = 0;
  bool has_pymalloc = false;
};

// Where the objects of a process are found.
struct HeapRoots {
  uint64_t runtime = 0;  // address of _PyRuntime
  // Up to 3.11: where pymalloc's arenas are, see find_arenas; 0: unknown.
  uint64_t arenas = 0;
};

struct HeapLimits {
  uint64_t objects = 1ull << 30;
  uint64_t references = (1ull << 32) - 1;
};

// What fits into so much memory: a process can map one page of objects any number of times.
HeapLimits limits_within(uint64_t available_bytes);

// The layout with the offsets that the interpreter states itself (3.13); nullopt if it is none that can be read.
std::optional<HeapLayout> layout_of_runtime(int minor, HeapMemory &memory, uint64_t runtime);

// Addresses of the states of all interpreters, of the states of their garbage collectors, and of the arrays of their
// arenas.
std::vector<uint64_t> find_interpreters(const HeapLayout &layout, HeapMemory &memory, uint64_t runtime);
std::set<uint64_t> find_collectors(const HeapLayout &layout, HeapMemory &memory, uint64_t runtime);
std::set<uint64_t> find_arena_arrays(const HeapLayout &layout, HeapMemory &memory, const HeapRoots &roots);

HeapSnapshot read_heap(const HeapLayout &layout, HeapMemory &memory, const HeapRoots &roots,
                       const HeapLimits &limits = HeapLimits());

// Whether a garbage collection is going on: its lists are not whole meanwhile.
bool is_collecting(const HeapLayout &layout, HeapMemory &memory, uint64_t runtime);

}  // namespace mp
