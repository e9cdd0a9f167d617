// Memory of a CPython 3.8 to 3.13 that was never alive: objects in the lists of the garbage collector, and in an arena
// of pymalloc, as addon/heap describes them. Nothing else is in it.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "heap/heap_figures.h"
#include "heap/heap_snapshot.h"

class MadeHeap {
 public:
  static constexpr uint64_t kBase = 0x7f0000000000, kPageBytes = 4096;

  // `shift` is what a patch release has in front of the state of an interpreter that the known one had not.
  explicit MadeHeap(int minor, uint32_t shift = 0) : layout_(*mp::heap_layout(minor)) {
    if (minor > 8) layout_.collector += shift;
    if (layout_.allocator != 0) layout_.allocator += shift;
    if (layout_.static_types != 0) layout_.static_types += shift;
    roots_.runtime = allocate(1024);
    interpreter_ = allocate(minor < 12 ? 16384 : 512 << 10);
    if (minor == 13) {
      memcpy(at(roots_.runtime), "xdebugpy", 8);
      put(roots_.runtime + 5 * 8, layout_.interpreters);
      put(roots_.runtime + 8 * 8, layout_.next_interpreter);
      put(roots_.runtime + 10 * 8, layout_.collector - shift);
    }
    put(roots_.runtime + layout_.interpreters, interpreter_);
    collector_ = (minor == 8 ? roots_.runtime : interpreter_) + layout_.collector;
    for (const uint64_t head : {generation(0), generation(1), generation(2), collector_ + mp::kPermanentGeneration}) {
      put(head, head);
      put(head + 8, head);
    }
    make_types();
    make_arena();
  }

  const mp::HeapLayout &layout() const { return layout_; }
  const mp::HeapRoots &roots() const { return roots_; }
  uint64_t generation(int index) const { return collector_ + mp::kGenerations + index * mp::kGenerationBytes; }

  // A type whose instances have `basic_size` bytes, and `item_size` for each item.
  uint64_t type(const std::string &name, uint64_t flags, uint64_t basic_size, uint64_t item_size, uint64_t base) {
    const uint64_t text = allocate(name.size() + 1), address = allocate(layout_.type_bytes);
    memcpy(at(text), name.data(), name.size());
    put(address, 1);
    put(address + mp::kObjectType, type_type);
    put(address + mp::kTypeName, text);
    put(address + mp::kTypeBasicSize, basic_size);
    put(address + mp::kTypeItemSize, item_size);
    put(address + mp::kTypeFlags, flags | mp::kReady);
    put(address + mp::kTypeBase, base);
    return address;
  }

  // An object that the collector tracks, in the oldest generation.
  uint64_t tracked(uint64_t type, uint64_t size_bytes) {
    const uint64_t head = allocate(16 + size_bytes), list = generation(2), last = get(list + 8);
    put(head, list);
    put(head + 8, last);
    put(last, head);
    put(list + 8, head);
    put(head + 16, 1);
    put(head + 16 + mp::kObjectType, type);
    return head + 16;
  }

  // Memory that is neither an object's nor pymalloc's.
  uint64_t block(uint64_t size_bytes) { return allocate(size_bytes); }

  uint64_t list(const std::vector<uint64_t> &items, uint64_t allocated) {
    const uint64_t address = tracked(list_type, 40), array = allocate(allocated * 8);
    put(address + 16, items.size());
    put(address + 24, array);
    put(address + 32, allocated);
    for (size_t i = 0; i < items.size(); i++) put(array + i * 8, items[i]);
    return address;
  }

  // A dict with a table of its own, of 8 slots.
  uint64_t dict(const std::vector<std::pair<uint64_t, uint64_t>> &items) {
    const uint64_t address = tracked(dict_type, 48), keys = allocate(40 + 8 + 5 * 24);
    put(address + 16, items.size());
    put(address + 32, keys);
    put(keys, 1);
    if (layout_.minor <= 10) {
      put(keys + 8, 8);
      put(keys + 24, 5 - items.size());
      put(keys + 32, items.size());
    } else {
      put(keys + 8, 3 | 3 << 8);
      put(keys + 16, 5 - items.size());
      put(keys + 24, items.size());
    }
    const uint64_t entries = keys + (layout_.minor <= 10 ? 48 : 40);
    for (size_t i = 0; i < items.size(); i++) {
      put(entries + i * 24 + 8, items[i].first);
      put(entries + i * 24 + 16, items[i].second);
    }
    return address;
  }

  // Types that are no heap types, and whose dicts are at this offset of the interpreter, of 3.12 and later. Returns the
  // dicts.
  std::vector<uint64_t> static_types(size_t count, uint64_t offset) {
    std::vector<uint64_t> dicts;
    for (size_t i = 0; i < count; i++) {
      const uint64_t static_type = type("static" + std::to_string(i), 0, 16, 0, object_type);
      const uint64_t state = interpreter_ + offset + i * layout_.static_type_bytes;
      dicts.push_back(block(48));
      put(dicts.back(), 1);
      put(dicts.back() + mp::kObjectType, dict_type);
      put(state, static_type);
      put(state + layout_.static_type_dict, dicts.back());
      list({static_type}, 1);
    }
    return dicts;
  }

  // The dict of interned strings, `count` of them, and a variable that points to it.
  uint64_t interned(uint64_t count) {
    unsigned log2_size = 3;
    while ((2ull << log2_size) / 3 < count) log2_size++;
    const uint64_t size = 1ull << log2_size, indices = size * (size <= 0xff ? 1 : 2), usable = size * 2 / 3;
    const bool is_old = layout_.minor <= 10;
    const uint64_t header = is_old ? 40 : 32, words = is_old ? 3 : 2;
    const uint64_t address = tracked(dict_type, 48), keys = allocate(header + indices + usable * words * 8);
    put(address + 16, count);
    put(address + 32, keys);
    put(keys, 1);
    if (is_old) {
      put(keys + 8, size);
    } else {
      put(keys + 8, log2_size | (log2_size + (size > 0xff)) << 8 | 1 << 16);
    }
    put(keys + header - 16, usable - count);
    put(keys + header - 8, count);
    for (uint64_t i = 0; i < count; i++) {
      const uint64_t text = allocate(64), entry = keys + header + indices + ((i + 1) * words - 2) * 8;
      put(text, 1);
      put(text + mp::kObjectType, str_type);
      put(entry, text);
      put(entry + 8, text);
    }
    interned_keys_bytes = header + indices + usable * words * 8;
    interned_entries = keys + header + indices;
    const uint64_t variable = layout_.minor <= 11 ? allocate(8) : interpreter_ + 14000;
    put(variable, address);
    if (layout_.minor <= 11) data_ = {{variable, variable + 8}};
    return address;
  }
  uint64_t interned_keys_bytes = 0, interned_entries = 0;

  // A float in a block of pymalloc that nothing refers to.
  uint64_t floating() {
    const uint64_t block = pool_ + 48 + 32 * blocks_++;
    put(block, 1);
    put(block + 8, float_type);
    put(pool_, blocks_);
    put32(pool_ + 40, static_cast<uint32_t>(48 + 32 * blocks_));
    return block;
  }

  // Gives a block back: it holds the address of the next free one, and what else was in it.
  void release(uint64_t block) {
    put(block, get(pool_ + 8));
    put(pool_ + 8, block);
  }

  mp::HeapSnapshot read(const mp::HeapLimits &limits = mp::HeapLimits(),
                        uint64_t max_copied = mp::HeapMemory::kMaxCopiedBytes) const {
    mp::HeapMemory memory([this](uint64_t address, void *to, size_t size) { return copy(address, to, size); },
                          max_copied);
    const auto layout = mp::layout_of_runtime(layout_.minor, memory, roots_.runtime);
    return layout ? mp::read_heap(*layout, memory, roots_, limits) : mp::HeapSnapshot();
  }

  mp::HeapFigures figures(const mp::FigureLimits &limits = mp::FigureLimits()) const {
    const auto reader = [this](uint64_t address, void *to, size_t size) { return copy(address, to, size); };
    const auto scattered = [this](const std::vector<uint64_t> &addresses, void *to, size_t size) {
      for (size_t i = 0; i < addresses.size(); i++)
        if (!copy(addresses[i], static_cast<uint8_t *>(to) + i * size, size)) return i;
      return addresses.size();
    };
    return mp::read_figures(layout_, roots_, {reader, scattered, data_, {{kBase, kBase + bytes.size()}}}, limits);
  }

  // There are zeros up to the end of the last page, and nothing behind it.
  bool copy(uint64_t address, void *to, size_t size_bytes) const {
    const uint64_t offset = address - kBase, pages_bytes = (bytes.size() + kPageBytes - 1) / kPageBytes * kPageBytes;
    if (offset > pages_bytes || size_bytes > pages_bytes - offset) return false;
    const uint64_t there = offset < bytes.size() ? std::min<uint64_t>(size_bytes, bytes.size() - offset) : 0;
    memset(to, 0, size_bytes);
    memcpy(to, bytes.data() + offset, there);
    return true;
  }

  uint64_t get(uint64_t address) const {
    uint64_t word;
    memcpy(&word, bytes.data() + (address - kBase), sizeof(word));
    return word;
  }
  void put(uint64_t address, uint64_t word) { memcpy(at(address), &word, sizeof(word)); }

  uint64_t pool() const { return pool_; }
  uint64_t arenas() const { return arenas_; }

  std::vector<uint8_t> bytes;
  uint64_t type_type = 0, object_type = 0, list_type = 0, dict_type = 0, tuple_type = 0, float_type = 0, str_type = 0;

 private:
  uint8_t *at(uint64_t address) { return bytes.data() + (address - kBase); }
  void put32(uint64_t address, uint32_t value) { memcpy(at(address), &value, sizeof(value)); }

  uint64_t allocate(uint64_t size_bytes, uint64_t alignment = 16) {
    const uint64_t offset = (bytes.size() + alignment - 1) / alignment * alignment;
    bytes.resize(offset + size_bytes + 8);
    return kBase + offset;
  }

  void make_types() {
    using namespace mp;
    allocate(kPageBytes);  // an address of 0 is that of no type
    type_type = type("type", kIsType | kHasCollectorHead, 880, 40, 0);
    put(type_type + kObjectType, type_type);
    object_type = type("object", 0, 16, 0, 0);
    put(type_type + kTypeBase, object_type);
    list_type = type("list", kIsList | kHasCollectorHead, 40, 0, object_type);
    dict_type = type("dict", kIsDict | kHasCollectorHead, 48, 0, object_type);
    tuple_type = type("tuple", kIsTuple | kHasCollectorHead, 24, 8, object_type);
    float_type = type("float", 0, 24, 0, object_type);
    str_type = type("str", kIsStr, layout_.unicode_bytes, 0, object_type);
  }

  // An arena whose first pool holds blocks of 32 bytes.
  void make_arena() {
    const uint64_t arenas = arenas_ = allocate(16 * 48), begin = allocate(layout_.pool_bytes, layout_.pool_bytes);
    pool_ = begin;
    const uint32_t pools = layout_.arena_bytes / layout_.pool_bytes;
    put(arenas, begin);
    put(arenas + 8, begin + layout_.pool_bytes);
    put(arenas + 16, (pools - 1) | uint64_t{pools} << 32);
    put32(pool_ + 36, 1);
    put32(pool_ + 40, 48);
    if (layout_.allocator == 0) {
      roots_.arenas = arenas;
    } else {
      uint64_t state = interpreter_ + layout_.allocator;
      if (layout_.allocator_is_pointer) {
        const uint64_t pointer = state;
        state = allocate(1024);
        put(pointer, state);
      }
      put(state + 512, arenas);
    }
  }

  mp::HeapLayout layout_;
  mp::HeapRoots roots_;
  uint64_t interpreter_ = 0, collector_ = 0, arenas_ = 0, pool_ = 0, blocks_ = 0;
  mp::AddressRanges data_;
};
