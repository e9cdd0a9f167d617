#include "heap_locate.h"

#include <algorithm>
#include <array>

#include "heap_arenas.h"
#include "heap_types.h"

namespace mp {
namespace {

constexpr uint32_t kMaxInterpreterBytes = 1 << 20;
constexpr uint64_t kLinkFlags = 3;

class Locator {
 public:
  Locator(HeapLayout &layout, HeapMemory &memory) : layout_(layout), memory_(memory), types_(layout, memory) {}

  // Each list of a generation ends where it begins, and so do all of one collector.
  bool is_collector(uint64_t state) {
    for (uint64_t i = 0; i <= kGenerationCount; i++) {
      const uint64_t head = state + (i < kGenerationCount ? kGenerations + i * kGenerationBytes : kPermanentGeneration);
      const auto next = memory_.read<uint64_t>(head), last = memory_.read<uint64_t>(head + 8);
      if (!next || !last || leads_to(*next, 8) != head || leads_to(*last, 0) != head) return false;
    }
    return true;
  }

  // _obmalloc_state, or the word that points to it.
  bool is_allocator(uint64_t address) {
    std::optional<uint64_t> state = address;
    if (layout_.allocator_is_pointer) state = memory_.read<uint64_t>(address);
    if (!state || *state % 8 != 0 || *state == 0) return false;
    const auto arenas = memory_.read<uint64_t>(*state + kAllocatorArenas);
    return arenas && *arenas != 0 && is_arena_array(layout_, memory_, *arenas);
  }

  // The first of a row of static types.
  bool is_static_types(uint64_t address) {
    constexpr uint32_t kInARow = 8;
    for (uint32_t i = 0; i < kInARow; i++)
      if (!is_static_type(address + i * layout_.static_type_bytes)) return false;
    return !is_static_type(address - layout_.static_type_bytes);
  }

  // The offset from an interpreter of what is recognized: `known`, or the first.
  template <class Recognize>
  uint32_t find(const std::vector<uint64_t> &interpreters, uint32_t known, Recognize recognize) {
    for (const uint64_t interpreter : interpreters)
      if (recognize(interpreter + known)) return known;
    for (const uint64_t interpreter : interpreters)
      for (uint32_t offset = 0; offset < kMaxInterpreterBytes && memory_.read<uint64_t>(interpreter + offset);
           offset += 8)
        if (recognize(interpreter + offset)) return offset;
    return known;
  }

 private:
  // static_builtin_state, managed_static_type_state: a type that is no heap type, and its dict.
  bool is_static_type(uint64_t address) {
    const uint32_t type = type_at(address);
    if (type == HeapTypes::kNone || types_[type].is(kHeapType)) return false;
    const auto dict = memory_.read<uint64_t>(address + layout_.static_type_dict);
    const uint32_t dict_type = dict ? type_at(*dict + kObjectType) : HeapTypes::kNone;
    return dict_type != HeapTypes::kNone && types_[dict_type].is(kIsDict);
  }

  // The type that a word points to; kNone if it does not.
  uint32_t type_at(uint64_t address) {
    const auto type = memory_.read<uint64_t>(address);
    return type ? types_.find(*type) : HeapTypes::kNone;
  }

  // The word behind a link of a list.
  std::optional<uint64_t> leads_to(uint64_t link, uint64_t offset) {
    const auto word = memory_.read<uint64_t>((link & ~kLinkFlags) + offset);
    return word ? std::optional(*word & ~kLinkFlags) : std::nullopt;
  }

  const HeapLayout layout_;  // as it is known
  HeapMemory &memory_;
  HeapTypes types_;
};

}  // namespace

void locate_state(HeapLayout &layout, HeapMemory &memory, const std::vector<uint64_t> &interpreters) {
  Locator locator(layout, memory);
  // that of 3.8 is not in an interpreter
  if (layout.minor > 8)
    layout.collector =
        locator.find(interpreters, layout.collector, [&](uint64_t state) { return locator.is_collector(state); });
  if (layout.allocator != 0)
    layout.allocator =
        locator.find(interpreters, layout.allocator, [&](uint64_t state) { return locator.is_allocator(state); });
  if (layout.static_types != 0)
    layout.static_types =
        locator.find(interpreters, layout.static_types, [&](uint64_t state) { return locator.is_static_types(state); });
}

}  // namespace mp
