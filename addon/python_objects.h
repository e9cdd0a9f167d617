// Objects of a CPython 3.8 to 3.13 that is running, read from its memory: dict, int, str and the attributes of an
// instance. 64-bit builds with the global interpreter lock.
//
// The interpreter is not stopped, and memory may hold anything: what is read is checked, and its amount is limited.
// Whole pages are read and kept, because a call into the kernel takes longer than to copy one. A result can mix what
// was before a change of memory with what is after it: the caller reads again, after forget(), what must not be mixed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memory_pages.h"

namespace mp {

class PythonObjects {
 public:
  // Addresses of two objects.
  struct Entry {
    uint64_t key;
    uint64_t value;
  };
  using Entries = std::vector<Entry>;

  // What one PythonObjects does at most: enough for ten thousand threads, and over in less than a second.
  static constexpr uint64_t kMaxReads = 1 << 14;   // calls of the reader
  static constexpr uint64_t kMaxCopies = 1 << 20;  // out of what was read
  static constexpr uint64_t kMaxCopiedBytes = 64 << 20;

  static constexpr uint64_t kPageBytes = MemoryPages::kPageBytes;
  static constexpr uint64_t kMaxText = 256;  // code points

  PythonObjects(int minor, MemoryReader reader)
      : minor_(minor), memory_({kMaxReads, kMaxCopies, kMaxCopiedBytes}, std::move(reader)) {}

  // nullopt if there is nothing, or the limit is reached.
  template <typename T>
  std::optional<T> read(uint64_t address) {
    T value;
    if (!memory_.read_bytes(address, &value, sizeof(value))) return std::nullopt;
    return value;
  }

  // The beginning, kMaxText code points, of a str, in UTF-8; nullopt if it is none.
  std::optional<std::string> text(uint64_t object);
  // An int from 1 to 2^30 - 1; nullopt if it is none, or another one.
  std::optional<uint32_t> number(uint64_t object);
  // The items of a dict, in order of insertion; nullopt if it is none, is too large, or was being changed.
  std::optional<Entries> items(uint64_t dict);
  // The same, all of one moment; nullopt also if it changes whenever it is read. Does what forget() does.
  std::optional<Entries> items_at_once(uint64_t dict);
  // What stands in the __dict__ of an instance of a Python class. nullopt if it has none, or for what items() has none.
  std::optional<Entries> attributes(uint64_t object);
  // The value whose key is the str `name`; 0 if there is none.
  uint64_t find(const Entries &entries, std::string_view name);

  // Memory is read anew from here on.
  void forget() { memory_.forget(); }

 private:
  struct Type {
    uint64_t flags;        // tp_flags
    int64_t dict_offset;   // tp_dictoffset
    uint64_t cached_keys;  // ht_cached_keys
  };
  struct Keys {
    uint64_t count;  // dk_nentries
    uint64_t entries;
    uint64_t entry_words;  // 3 {hash, key, value}, or 2 {key, value}
  };

  std::optional<Type> type_at(uint64_t type);
  bool is_kind_of(uint64_t type, uint64_t flag);
  std::optional<Keys> keys_at(uint64_t keys);
  std::optional<Entries> table(uint64_t keys, uint64_t values);
  std::optional<Entries> managed_attributes(uint64_t object, const Type &type);

  int minor_;
  MemoryPages memory_;
  std::map<uint64_t, Type> types_;
  std::map<uint64_t, std::string> names_;  // of keys: instances of a class share them
};

}  // namespace mp
