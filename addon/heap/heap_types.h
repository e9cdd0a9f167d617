// The types of the objects of a process, each read once. Whether something is a type is asked of every word that might
// be one: a type is an object whose own type is one whose instances are types, itself at last.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "heap_layout.h"
#include "heap_memory.h"

namespace mp {

// What an object consists of, by the first base of its type that mp knows.
enum class ObjectKind : uint8_t {
  kInstance,  // a __dict__ and __slots__ at most
  kUnknown,   // the same, of a C type whose structure is not known: a leaf
  kLeaf,
  kFields,  // words that are references if they are addresses of objects
  kList,
  kTuple,
  kDict,
  kOrderedDict,
  kSet,
  kDeque,
  kStr,
  kInt,
  kByteArray,
  kArray,
  kBuffered,
  kStruct,
  kType,
  kCode,
  kFrame,
  kGenerator,
  kWeakref,
};

struct HeapType {
  uint64_t address = 0;
  std::string module;  // "": unknown
  std::string name;    // __qualname__
  ObjectKind kind = ObjectKind::kInstance;
  uint64_t flags = 0;
  uint64_t basic_size = 0;
  uint64_t item_size = 0;
  uint64_t base = 0;
  int64_t dict_offset = 0;
  int64_t weak_list_offset = 0;
  uint64_t cached_keys = 0;
  uint64_t header_bytes = 0;  // in front of an instance
  struct Slot {
    uint64_t offset;
    std::string name;
  };
  std::vector<Slot> slots;  // also those of its bases

  bool is(TypeFlag flag) const { return (flags & flag) != 0; }
};

class HeapTypes {
 public:
  static constexpr uint32_t kNone = ~0u;
  static constexpr size_t kMaxTypes = 1 << 20, kMaxOthers = 1 << 18;

  HeapTypes(const HeapLayout &layout, HeapMemory &memory) : layout_(layout), memory_(memory) {}

  // Index of the type at an address; kNone if there is none.
  uint32_t find(uint64_t address);
  const HeapType &operator[](uint32_t index) const { return types_[index]; }
  size_t size() const { return types_.size(); }
  std::deque<HeapType> take() { return std::move(types_); }

  // A str in UTF-8, its beginning if it is long; "" if it is none.
  std::string text(uint64_t object);

 private:
  bool is_type(uint64_t address);
  HeapType read_type(uint64_t address);
  void read_slots(HeapType &type);
  ObjectKind kind_of(const HeapType &type);
  std::string module_of(const HeapType &type);
  std::string c_string(uint64_t address);

  const HeapLayout &layout_;
  HeapMemory &memory_;
  int depth_ = 0;               // of bases that are being read
  std::deque<HeapType> types_;  // which stay where they are when others come
  std::unordered_map<uint64_t, uint32_t> indices_;
  std::unordered_set<uint64_t> others_;  // addresses of no type, some of them
};

}  // namespace mp
