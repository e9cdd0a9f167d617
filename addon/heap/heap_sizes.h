// The size of an object as sys.getsizeof gives it: what the __sizeof__ of its type says, in C, and what stands in front
// of it. A __sizeof__ that is written in Python is not called; the one of the base in C counts.
#pragma once

#include <cstdint>
#include <optional>

#include "heap_types.h"

namespace mp {

// Bytes; nullopt if what stands there can't be an object of that type.
std::optional<uint64_t> heap_object_size(const HeapLayout &layout, HeapMemory &memory, uint64_t object,
                                         const HeapType &type);

}  // namespace mp
