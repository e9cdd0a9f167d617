// A few numbers about the heap of a running CPython, read while it goes on: what pymalloc and the garbage collector
// keep account of themselves, and the table of interned strings. Objects are not looked at. What changes during the
// reading may be counted in its old or its new state.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "heap_pointers.h"
#include "heap_snapshot.h"

namespace mp {

// Of what sys._debugmallocstats() prints.
struct PymallocFigures {
  struct Blocks {
    uint64_t count = 0;            // in use
    uint64_t allocated_bytes = 0;  // of them
    uint64_t free_bytes = 0;       // of free blocks and of pools that are not in use
  };

  uint64_t size_bytes = 0;      // of all arenas
  uint64_t max_size_bytes = 0;  // the most there has been at a time
  std::optional<Blocks> blocks;
};

struct InternedFigures {
  uint64_t count = 0;       // strings
  uint64_t size_bytes = 0;  // of the table, without the strings: sys.getsizeof
};

// What is nullopt could not be read, or is more than the limits allow to read. All interpreters of the process
// together.
struct HeapFigures {
  std::optional<PymallocFigures> pymalloc;  // nullopt also if it has no arenas: PYTHONMALLOC=malloc
  // Objects: len(gc.get_objects()). nullopt also where they come and go faster than their lists can be read.
  std::optional<uint64_t> tracked;
  // From 3.12 on without the strings that are built into the interpreter.
  std::optional<InternedFigures> interned;
};

struct FigureLimits {
  uint64_t pools = 1 << 18;              // 1 GiB of them up to 3.9, then 4 GiB
  uint64_t tracked = 1 << 22;            // objects
  uint64_t copied_bytes = 512ull << 20;  // to count tracked objects
};

// Copies `size_bytes` at each of the addresses, up to the first where that is not possible; the number of those copied.
using ScatteredReader = std::function<size_t(const std::vector<uint64_t> &addresses, void *to, size_t size_bytes)>;

struct FigureSource {
  MemoryReader reader;
  ScatteredReader scattered_reader;
  AddressRanges data;     // variables of the interpreter; up to 3.11 one of them is the dict of interned strings
  AddressRanges objects;  // where that may be; sorted
};

HeapFigures read_figures(const HeapLayout &layout, const HeapRoots &roots, const FigureSource &source,
                         const FigureLimits &limits = FigureLimits());

}  // namespace mp
