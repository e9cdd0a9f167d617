#include "heap_snapshot.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>

#include "heap_arenas.h"
#include "heap_block.h"
#include "heap_locate.h"
#include "heap_references.h"
#include "heap_sizes.h"
#include "heap_table.h"

namespace mp {
namespace {

constexpr size_t kMaxInterpreters = 256;
constexpr uint64_t kMaxReferenceCount = 1ull << 40;
constexpr uint64_t kLinkFlags = 3;  // of _gc_next and _gc_prev

// Words of _Py_DebugOffsets of 3.13 (Include/internal/pycore_runtime.h), counted from its beginning.
enum DebugOffset { kCookie, kFreeThreaded = 2, kInterpretersHead = 5, kNextInterpreter = 8, kCollector = 10, kEnd };

class Collector {
 public:
  Collector(const HeapLayout &layout, HeapMemory &memory, const HeapLimits &limits, HeapSnapshot &heap)
      : layout_(layout),
        memory_(memory),
        limits_(limits),
        heap_(heap),
        types_(layout, memory),
        table_(heap.addresses) {}

  // All objects that the collector of an interpreter tracks.
  void add_tracked(uint64_t collector) {
    for (uint64_t i = 0; i < kGenerationCount; i++) add_list(collector + kGenerations + i * kGenerationBytes, kTracked);
    add_list(collector + kPermanentGeneration, kFrozen);
  }

  void add_blocks(uint64_t arenas) {
    const ArenaCounts counts = visit_blocks(layout_, memory_, arenas, [this](auto... block) { add_block(block...); });
    heap_.arenas += counts.arenas;
    heap_.blocks += counts.blocks;
    heap_.problems.pools += counts.damaged;
    heap_.has_pymalloc |= counts.arenas > 0;
  }

  // Where the dicts of types are that do not have them themselves.
  void find_static_types(uint64_t interpreter) {
    for (uint32_t i = 0; i < kMaxStaticTypes; i++) {
      const uint64_t state = interpreter + layout_.static_types + i * layout_.static_type_bytes;
      const auto type = memory_.read<uint64_t>(state), dict = memory_.read<uint64_t>(state + layout_.static_type_dict);
      if (type && dict && *dict != 0 && types_.find(*type) != HeapTypes::kNone) static_dicts_.emplace(*type, *dict);
    }
  }

  // Sizes and references of all objects; what they refer to is an object, too.
  void follow() {
    for (uint32_t i = 0; i < heap_.addresses.size(); i++) {
      const HeapType &type = types_[heap_.type_of[i]];
      heap_.first_target.push_back(static_cast<uint32_t>(heap_.targets.size()));
      const auto size = heap_object_size(layout_, memory_, heap_.addresses[i], type);
      heap_.sizes[i] = size.value_or(type.basic_size);
      if (!size) heap_.problems.objects++;
      if (type.kind == ObjectKind::kUnknown) {
        heap_.unknown_objects++;
        unknown_types_.insert(heap_.type_of[i]);
      }
      const VisitReference add = [&](uint64_t target, ReferenceLabel label) { add_reference(i, target, label); };
      if (!visit_references(layout_, memory_, heap_.addresses[i], type, add)) heap_.problems.contents++;
      if (type.kind != ObjectKind::kType) continue;
      const auto dict = static_dicts_.find(heap_.addresses[i]);
      if (dict != static_dicts_.end()) add_reference(i, dict->second, {ReferenceLabel::kDict, 0});
    }
    heap_.first_target.push_back(static_cast<uint32_t>(heap_.targets.size()));
    heap_.unknown_types = unknown_types_.size();
    heap_.types = types_.take();
  }

 private:
  // A list of PyGC_Head {next, previous}, that begins and ends with `head`; the object stands behind each.
  void add_list(uint64_t head, HeapFlag flag) {
    uint64_t before = head;
    auto link = memory_.read<uint64_t>(head);
    while (link && (*link & ~kLinkFlags) != head) {
      const uint64_t at = *link & ~kLinkFlags;
      const auto words = memory_.read<std::array<uint64_t, 2>>(at);
      if (!words || at == 0 || table_.find(at + kCollectorHeadBytes) != HeapTable::kNone) break;
      if (((*words)[1] & ~kLinkFlags) != before) heap_.problems.links++;
      if (add(at + kCollectorHeadBytes, flag) == HeapTable::kNone) {
        heap_.problems.objects++;
        if (++broken_ > kMaxBroken) return;
      }
      before = at;
      link = (*words)[0];
    }
    if (!link || (*link & ~kLinkFlags) != head) heap_.problems.links++;
  }

  // What begins with a reference count and the address of a type, at the distance from the beginning of the block that
  // the objects of that type have, and fills the block as an object of that type would.
  void add_block(uint64_t address, const uint8_t *bytes, uint32_t size_bytes) {
    for (uint32_t header = 0; header <= 32 && header + kObjectBytes <= size_bytes; header += 16) {
      uint64_t words[2];
      memcpy(words, bytes + header, sizeof(words));
      if (words[0] == 0 || (words[0] > kMaxBlockReferences && words[0] != kImmortal)) continue;
      const uint32_t known = table_.find(address + header);
      if (known != HeapTable::kNone) {
        heap_.flags[known] |= kPymalloc;
        return;
      }
      const uint32_t type = types_.find(words[1]);
      if (type == HeapTypes::kNone || types_[type].header_bytes != header) continue;
      if (!fills_block(layout_, types_[type], bytes + header, size_bytes - header)) continue;
      append(address + header, type, words[0], kPymalloc);
      return;
    }
  }

  void add_reference(uint32_t from, uint64_t target, ReferenceLabel label) {
    uint32_t index = table_.find(target);
    if (index == HeapTable::kNone && (label.kind != ReferenceLabel::kField || has_size(target))) index = add(target, 0);
    if (index == HeapTable::kNone) return;
    if (heap_.targets.size() >= limits_.references) {
      heap_.problems.limits++;
      return;
    }
    heap_.targets.push_back(index);
    if (label.kind == ReferenceLabel::kDict) heap_.owners[index] = from;
  }

  // Not every word of a structure refers to an object: the state of the module _sre is an array of types, and its
  // second word makes it look like an instance.
  bool has_size(uint64_t address) {
    const auto type_address = memory_.read<uint64_t>(address + sizeof(uint64_t));
    const uint32_t type = type_address ? types_.find(*type_address) : HeapTypes::kNone;
    return type != HeapTypes::kNone && heap_object_size(layout_, memory_, address, types_[type]).has_value();
  }

  // Its index; kNone if there is no object.
  uint32_t add(uint64_t address, uint8_t flags) {
    if (address % 8 != 0) return HeapTable::kNone;
    const auto words = memory_.read<std::array<uint64_t, 2>>(address);
    if (!words || (*words)[0] == 0 || (*words)[0] >= kMaxReferenceCount) return HeapTable::kNone;
    const uint32_t type = types_.find((*words)[1]);
    return type == HeapTypes::kNone ? HeapTable::kNone : append(address, type, (*words)[0], flags);
  }

  uint32_t append(uint64_t address, uint32_t type, uint64_t references, uint8_t flags) {
    if (heap_.addresses.size() >= limits_.objects) {
      heap_.problems.limits++;
      return HeapTable::kNone;
    }
    heap_.addresses.push_back(address);
    heap_.sizes.push_back(0);
    heap_.type_of.push_back(type);
    heap_.reference_counts.push_back(static_cast<uint32_t>(std::min<uint64_t>(references, UINT32_MAX)));
    heap_.flags.push_back(flags);
    heap_.owners.push_back(HeapSnapshot::kNone);
    table_.add();
    return static_cast<uint32_t>(heap_.addresses.size() - 1);
  }

  static constexpr uint64_t kMaxBroken = 1 << 20;
  // What other blocks begin with is no small number.
  static constexpr uint64_t kMaxBlockReferences = 1 << 28, kImmortal = UINT32_MAX;

  const HeapLayout &layout_;
  HeapMemory &memory_;
  const HeapLimits limits_;
  HeapSnapshot &heap_;
  HeapTypes types_;
  HeapTable table_;
  std::map<uint64_t, uint64_t> static_dicts_;  // by type
  std::set<uint32_t> unknown_types_;
  uint64_t broken_ = 0;
};

}  // namespace

std::vector<uint64_t> find_interpreters(const HeapLayout &layout, HeapMemory &memory, uint64_t runtime) {
  std::vector<uint64_t> interpreters;
  auto interpreter = memory.read<uint64_t>(runtime + layout.interpreters);
  while (interpreter && *interpreter != 0 && interpreters.size() < kMaxInterpreters) {
    if (std::find(interpreters.begin(), interpreters.end(), *interpreter) != interpreters.end()) break;
    interpreters.push_back(*interpreter);
    interpreter = memory.read<uint64_t>(*interpreter + layout.next_interpreter);
  }
  return interpreters;
}

std::set<uint64_t> find_collectors(const HeapLayout &layout, HeapMemory &memory, uint64_t runtime) {
  if (layout.minor == 8) return {runtime + layout.collector};
  std::set<uint64_t> collectors;
  for (const uint64_t interpreter : find_interpreters(layout, memory, runtime))
    collectors.insert(interpreter + layout.collector);
  return collectors;
}

std::set<uint64_t> find_arena_arrays(const HeapLayout &layout, HeapMemory &memory, const HeapRoots &roots) {
  std::set<uint64_t> arenas;
  if (layout.allocator == 0) {
    arenas.insert(roots.arenas);
  } else {
    for (const uint64_t interpreter : find_interpreters(layout, memory, roots.runtime)) {
      std::optional<uint64_t> state = interpreter + layout.allocator;
      if (layout.allocator_is_pointer) state = memory.read<uint64_t>(*state);
      arenas.insert(state ? memory.read<uint64_t>(*state + kAllocatorArenas).value_or(0) : 0);
    }
  }
  arenas.erase(0);
  return arenas;
}

std::optional<HeapLayout> layout_of_runtime(int minor, HeapMemory &memory, uint64_t runtime) {
  auto layout = heap_layout(minor);
  if (!layout) return layout;
  if (minor < 13) {
    locate_state(*layout, memory, find_interpreters(*layout, memory, runtime));
    return layout;
  }
  const auto words = memory.read<std::array<uint64_t, kEnd>>(runtime);
  if (!words || memcmp(&(*words)[kCookie], "xdebugpy", 8) != 0 || (*words)[kFreeThreaded] != 0) return std::nullopt;
  for (const DebugOffset offset : {kInterpretersHead, kNextInterpreter, kCollector})
    if ((*words)[offset] > 1 << 20) return std::nullopt;
  layout->interpreters = static_cast<uint32_t>((*words)[kInterpretersHead]);
  layout->next_interpreter = static_cast<uint32_t>((*words)[kNextInterpreter]);
  layout->collector = static_cast<uint32_t>((*words)[kCollector]);
  locate_state(*layout, memory, find_interpreters(*layout, memory, runtime));
  return layout;
}

HeapLimits limits_within(uint64_t available_bytes) {
  // at most, while a column grows and JavaScript gets its own; four fifths of the memory in all
  constexpr uint64_t kObjectCost = 128, kReferenceCost = 12, kLeastObjects = 1 << 20;
  HeapLimits limits;
  limits.objects = std::clamp(available_bytes / 10 * 6 / kObjectCost, kLeastObjects, limits.objects);
  limits.references = std::clamp(available_bytes / 10 * 2 / kReferenceCost, 4 * kLeastObjects, limits.references);
  return limits;
}

HeapSnapshot read_heap(const HeapLayout &layout, HeapMemory &memory, const HeapRoots &roots, const HeapLimits &limits) {
  HeapSnapshot heap;
  Collector collector(layout, memory, limits, heap);
  for (const uint64_t state : find_collectors(layout, memory, roots.runtime)) collector.add_tracked(state);
  if (layout.static_types != 0)
    for (const uint64_t interpreter : find_interpreters(layout, memory, roots.runtime))
      collector.find_static_types(interpreter);
  for (const uint64_t array : find_arena_arrays(layout, memory, roots)) collector.add_blocks(array);
  collector.follow();
  return heap;
}

bool is_collecting(const HeapLayout &layout, HeapMemory &memory, uint64_t runtime) {
  for (const uint64_t collector : find_collectors(layout, memory, runtime))
    if (memory.read<uint32_t>(collector + kIsCollecting).value_or(0) != 0) return true;
  return false;
}

}  // namespace mp
