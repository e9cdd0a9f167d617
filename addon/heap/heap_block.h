// Blocks of pymalloc hold other things than objects, too: tables of dicts, arrays of lists. An object of a type needs a
// block of a certain size.
#pragma once

#include <cstdint>

#include "heap_types.h"

namespace mp {

// Whether an object of that type may be what pymalloc has given `block_bytes` for, its headers left out. `object` holds
// as many bytes, 16 at least.
bool fills_block(const HeapLayout &layout, const HeapType &type, const uint8_t *object, uint32_t block_bytes);

}  // namespace mp
