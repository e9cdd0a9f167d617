#include "heap_layout.h"

namespace mp {
namespace {

// Of one release of each version; where others differ, see heap_locate.h.
// In the order of HeapLayout. The first three offsets of 3.13 are replaced by those of _Py_DebugOffsets.
constexpr HeapLayout kLayouts[] = {
    // clang-format off
    // minor, interpreters, next, collector, allocator, is a pointer, arena, pool,
    //   type, heap type, cached keys, qualified name, name,
    //   ASCII, compact, str, length of UTF-8, UTF-8,
    //   extra, stack size, locals, instructions, frame, its locals, of a generator,
    //   static types, an element, its dict
    {8, 32, 0, 344, 0, false, 256 << 10, 4 << 10,
     416, 880, 872, 864, 848,
     48, 72, 80, 48, 56,
     144, 32, 28, 0, 368, 360, 0, 0, 0, 0},
    {9, 32, 0, 616, 0, false, 256 << 10, 4 << 10,
     408, 880, 864, 856, 840,
     48, 72, 80, 48, 56,
     144, 32, 28, 0, 368, 360, 0, 0, 0, 0},
    {10, 32, 0, 616, 0, false, 1 << 20, 16 << 10,
     408, 888, 872, 864, 848,
     48, 72, 80, 48, 56,
     144, 32, 28, 0, 360, 352, 0, 0, 0, 0},
    {11, 40, 0, 648, 0, false, 1 << 20, 16 << 10,
     408, 904, 872, 864, 848,
     48, 72, 80, 48, 56,
     176, 68, 76, 184, 48, 72, 80, 0, 0, 0},
    {12, 40, 0, 112, 3960, false, 1 << 20, 16 << 10,
     416, 920, 880, 872, 856,
     40, 56, 64, 40, 48,
     184, 64, 72, 192, 48, 72, 72, 373704, 40, 16},
    {13, 632, 7264, 7400, 10800, true, 1 << 20, 16 << 10,
     416, 928, 880, 872, 856,
     40, 56, 64, 40, 48,
     192, 64, 72, 200, 64, 72, 72, 182968, 48, 24},
    // clang-format on
};

}  // namespace

std::optional<HeapLayout> heap_layout(int minor) {
  for (const HeapLayout &layout : kLayouts)
    if (layout.minor == minor) return layout;
  return std::nullopt;
}

}  // namespace mp
