// What an object refers to, and by what.
#pragma once

#include <cstdint>
#include <functional>

#include "heap_types.h"

namespace mp {

struct ReferenceLabel {
  enum Kind : uint8_t {
    kField,      // a word of its structure; value: its offset
    kIndex,      // an item; value: its index
    kKey,        // a key of a dict
    kValue,      // the value of a key; value: address of the key
    kAttribute,  // of an instance without a dict of its own; value: address of the name
    kSlot,       // value: index in HeapType::slots
    kDict,       // the __dict__
    kClass,      // the type of an instance, where that is a heap type
  } kind;
  uint64_t value;
};

// What is visited may be anything but 0.
using VisitReference = std::function<void(uint64_t target, ReferenceLabel label)>;

// false if not all can be read, or if what stands there can't be an object of that type.
bool visit_references(const HeapLayout &layout, HeapMemory &memory, uint64_t object, const HeapType &type,
                      const VisitReference &visit);

}  // namespace mp
