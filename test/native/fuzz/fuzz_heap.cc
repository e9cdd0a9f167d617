// A heap made by hand, of any version, in which words of the input have replaced others: reading ends, takes no more
// memory than it may, and gives columns that fit together.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "made_heap.h"

namespace {

constexpr uint64_t kMaxObjects = 2000, kMaxReferences = 20000, kMaxCopiedBytes = 8 << 20;

struct Replacement {
  uint32_t word;  // index among those that hold anything, modulo their number
  uint32_t kind;  // modulo 4, of what `value` says: the word, what to add to it, a word to point to, bits to change
  int64_t value;
};

// Of classes that keep their attributes in each of the ways that there are.
void add_instances(MadeHeap &heap, uint64_t value) {
  using namespace mp;
  const HeapLayout &layout = heap.layout();
  const uint64_t keys = heap.get(heap.dict({{value, value}}) + 32);
  const uint64_t all = kHeapType | kHasCollectorHead;
  for (const uint64_t flags : {all, all | kManagedDict, all | kManagedDict | kInlineValues, all | kManagedWeakref})
    for (const int64_t dict_offset : {0, 24, -8}) {
      const uint64_t type = heap.type("Class", flags, 40, dict_offset < 0 ? 8 : 0, heap.object_type);
      heap.block(layout.heap_type_bytes + 200);  // what a heap type has in addition, and its members
      heap.put(type + kTypeDictOffset, static_cast<uint64_t>(dict_offset));
      heap.put(type + layout.cached_keys, keys);
      heap.put(type + kObjectSize, 1);
      heap.put(type + 880 + 8, 6);  // of a member: T_OBJECT, offset
      heap.put(type + 880 + 16, 32);
      heap.block(64);  // in front of the object: what the interpreter manages
      const uint64_t object = heap.tracked(type, 64);
      heap.put(object + 32, value);
    }
  const std::pair<const char *, uint64_t> others[] = {
      {"collections.OrderedDict", kIsDict}, {"ValueError", kIsException}, {"_io.BufferedReader", 0}, {"type", kIsType}};
  for (const auto &[name, flags] : others)
    heap.tracked(heap.type(name, flags | kHasCollectorHead, 136, 0, heap.object_type), 400);
}

const MadeHeap &made_heap(int minor) {
  static const std::vector<MadeHeap> all = [] {
    std::vector<MadeHeap> heaps;
    for (int each = 8; each <= 13; each++) {
      MadeHeap heap(each);
      const uint64_t number = heap.floating(), list = heap.list({number, number}, 4);
      heap.release(heap.floating());
      heap.dict({{number, list}, {list, heap.list({}, 0)}});
      const uint64_t own = heap.type("Own", 0, 32, 0, heap.object_type);
      heap.tracked(own, 32);
      heap.put(heap.tracked(heap.tuple_type, 24 + 16) + 16, 2);
      const std::pair<const char *, uint64_t> others[] = {
          {"set", 200},          {"frozenset", 200}, {"collections.deque", 64}, {"code", 208},     {"frame", 368},
          {"generator", 88},     {"cell", 24},       {"array.array", 48},       {"bytearray", 56}, {"weakref", 64},
          {"_struct.Struct", 56}};
      for (const auto &[name, size] : others)
        heap.tracked(heap.type(name, mp::kHasCollectorHead, size, 0, heap.object_type), size);
      add_instances(heap, list);
      heap.tracked(heap.str_type, 80);
      heap.interned(70);
      heap.tracked(heap.type("int", mp::kIsInt, 24, 4, heap.object_type), 32);
      if (each >= 12) heap.static_types(10, heap.layout().static_types);
      heaps.push_back(heap);
    }
    return heaps;
  }();
  return all[minor - 8];
}

// Addresses of the words of a heap that are not 0.
const std::vector<uint64_t> &used_words(int minor) {
  static const std::vector<std::vector<uint64_t>> all = [] {
    std::vector<std::vector<uint64_t>> words(6);
    for (int each = 8; each <= 13; each++) {
      const MadeHeap &heap = made_heap(each);
      for (uint64_t at = 0; at + 8 <= heap.bytes.size(); at += 8)
        if (heap.get(MadeHeap::kBase + at) != 0) words[each - 8].push_back(MadeHeap::kBase + at);
    }
    return words;
  }();
  return all[minor - 8];
}

void replace(MadeHeap &heap, const std::vector<uint64_t> &used, const Replacement &replacement) {
  const uint64_t words = heap.bytes.size() / 8, address = used[replacement.word % used.size()];
  const auto value = static_cast<uint64_t>(replacement.value);
  switch (replacement.kind % 4) {
    case 0:
      heap.put(address, value);
      break;
    case 1:
      heap.put(address, heap.get(address) + value);
      break;
    case 2:
      heap.put(address, value % 2 == 0 ? used[value / 2 % used.size()] : MadeHeap::kBase + value / 2 % words * 8);
      break;
    case 3:
      heap.put(address, heap.get(address) ^ value);
      break;
  }
}

void check(bool holds) {
  if (!holds) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  if (size_bytes < 1) return 0;
  const int minor = 8 + data[0] % 6;
  MadeHeap heap = made_heap(minor);
  for (size_t at = 1; at + sizeof(Replacement) <= size_bytes; at += sizeof(Replacement)) {
    Replacement replacement;
    memcpy(&replacement, data + at, sizeof(replacement));
    replace(heap, used_words(minor), replacement);
  }
  mp::HeapLimits limits;
  limits.objects = kMaxObjects;
  limits.references = kMaxReferences;
  const mp::HeapSnapshot read = heap.read(limits, kMaxCopiedBytes);
  const size_t count = read.addresses.size();
  check(count <= kMaxObjects && read.targets.size() <= kMaxReferences);
  check(read.sizes.size() == count && read.type_of.size() == count && read.owners.size() == count);
  for (const uint32_t target : read.targets) check(target < count);
  for (const uint32_t type : read.type_of) check(type < read.types.size());
  for (const uint64_t size : read.sizes) check(size <= 1ull << 47);
  mp::FigureLimits figure_limits;
  figure_limits.pools = figure_limits.tracked = kMaxObjects;
  figure_limits.copied_bytes = kMaxCopiedBytes;
  const mp::HeapFigures figures = heap.figures(figure_limits);
  check(figures.tracked.value_or(0) <= kMaxObjects);
  if (figures.pymalloc) check(figures.pymalloc->max_size_bytes >= figures.pymalloc->size_bytes);
  if (count > 0) check(read.first_target.size() == count + 1);
  return 0;
}
