// Offsets of the state of an interpreter that may be others than in the table of layouts: patch releases of a version
// add fields in front of them, and so do some builds. Each is checked, and searched for where the check fails.
#pragma once

#include <cstdint>
#include <vector>

#include "heap_layout.h"
#include "heap_memory.h"

namespace mp {

// Corrects `collector`, `allocator` and `static_types`. What is nowhere stays as it is.
void locate_state(HeapLayout &layout, HeapMemory &memory, const std::vector<uint64_t> &interpreters);

}  // namespace mp
