#include "heap_sizes.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "heap_code.h"
#include "heap_dict.h"

namespace mp {
namespace {

using Size = std::optional<uint64_t>;

constexpr uint64_t kMaxSize = 1ull << 46;  // no object is larger than user space
constexpr uint64_t kWord = 8;

class Sizes {
 public:
  Sizes(const HeapLayout &layout, HeapMemory &memory, uint64_t object, const HeapType &type)
      : layout_(layout), memory_(memory), object_(object), type_(type) {}

  // By the structure that the kind of the object has in C.
  Size of_kind() {
    switch (type_.kind) {
      case ObjectKind::kList:
        return plus(type_.basic_size, at(32), kWord);  // allocated
      case ObjectKind::kDict:
        return of_dict();
      case ObjectKind::kOrderedDict:
        return of_ordered_dict();
      case ObjectKind::kSet:
        return of_set();
      case ObjectKind::kDeque:
        return of_deque();
      case ObjectKind::kStr:
        return of_str();
      case ObjectKind::kInt:
        return of_int();
      case ObjectKind::kByteArray:
        return plus(type_.basic_size, at(24), 1);  // ob_alloc
      case ObjectKind::kArray:
        return of_array();
      case ObjectKind::kBuffered:
        return plus(type_.basic_size, at(56) == 0u ? 0 : at(120), 1);  // buffer, buffer_size
      case ObjectKind::kStruct:
        return of_struct();
      case ObjectKind::kType:
        return of_type();
      case ObjectKind::kCode:
        return of_code();
      case ObjectKind::kFrame:
      case ObjectKind::kGenerator:
        return of_frame();
      default:
        return of_instance();
    }
  }

 private:
  // The word at an offset of the object.
  Size at(uint64_t offset) { return memory_.read<uint64_t>(object_ + offset); }

  static Size plus(Size base, Size count, uint64_t unit) {
    if (!base || !count || unit == 0 || *count > kMaxSize / unit || *base > kMaxSize) return std::nullopt;
    return *base + *count * unit;
  }

  // Of what the object itself has behind each other: what was freed can have anything for a size, also more than there
  // is memory.
  Size if_mapped(Size size) {
    return size && (*size <= HeapMemory::kPageBytes || memory_.read<uint8_t>(object_ + *size - 1)) ? size
                                                                                                   : std::nullopt;
  }

  // object.__sizeof__: ob_size is negative where it holds a sign, too
  Size of_instance() {
    if (type_.item_size == 0) return type_.basic_size;
    const auto count = at(kObjectSize);
    if (!count) return std::nullopt;
    return if_mapped(plus(type_.basic_size, std::llabs(static_cast<int64_t>(*count)), type_.item_size));
  }

  // _PyDict_SizeOf: the keys count unless they are shared
  Size of_dict() {
    const auto dict = read_dict(memory_, object_);
    const auto keys = dict ? read_dict_keys(layout_, memory_, dict->keys) : std::nullopt;
    if (!keys) return std::nullopt;
    uint64_t size = type_.basic_size;
    if (dict->values != 0) size += (keys->count + keys->usable) * kWord;
    if (keys->references == 1) size += keys->size_bytes;
    return size;
  }

  // _odictobject (Objects/odictobject.c): od_fast_nodes_size, od_first; a node has 32 bytes
  Size of_ordered_dict() {
    const Size size = plus(of_dict(), at(72), kWord);
    return at(48) == 0u ? size : plus(size, at(16), 32);
  }

  // PySetObject: mask, table, smalltable
  Size of_set() {
    const bool is_small = at(40) == object_ + 64;
    const auto mask = at(32);
    return is_small || !mask ? type_.basic_size : plus(type_.basic_size, *mask + 1, 16);
  }

  // dequeobject (Modules/_collectionsmodule.c): blocks of 64 items and two links; leftindex
  Size of_deque() {
    const auto count = at(kObjectSize), left = at(40);
    if (!count || !left || *count > kMaxSize || *left >= 64) return std::nullopt;
    return plus(type_.basic_size, (*left + *count + 63) / 64, 66 * kWord);
  }

  // unicode.__sizeof__: the text, its copy in UTF-8 and, up to 3.11, in wchar_t
  Size of_str() {
    const auto words = memory_.read<std::array<uint64_t, 6>>(object_);
    if (!words) return std::nullopt;
    const uint64_t length = (*words)[2], state = (*words)[4], unit = state >> 2 & 7;
    const bool is_compact = (state >> 5 & 1) != 0, is_ascii = is_compact && (state >> 6 & 1) != 0;
    Size size;
    uint64_t data = object_ + (is_ascii ? layout_.ascii_bytes : layout_.compact_bytes);
    if (is_ascii) return plus_wide(if_mapped(plus(layout_.ascii_bytes, length + 1, 1)), (*words)[5], data, length);
    if (is_compact) {
      size = if_mapped(plus(layout_.compact_bytes, length + 1, unit));
    } else {
      data = at(layout_.compact_bytes).value_or(0);
      size = data == 0 ? Size(layout_.unicode_bytes) : plus(layout_.unicode_bytes, length + 1, unit);
    }
    const auto utf8 = at(layout_.utf8), utf8_length = at(layout_.utf8_length);
    if (!utf8 || !utf8_length) return std::nullopt;
    if (*utf8 != 0 && *utf8 != data) size = plus(size, *utf8_length + 1, 1);
    return plus_wide(size, (*words)[5], data, at(64).value_or(0));
  }

  // wstr, wstr_length
  Size plus_wide(Size size, uint64_t wide, uint64_t data, uint64_t length) {
    const bool has_wide = layout_.minor <= 11 && wide != 0 && wide != data;
    return has_wide ? plus(size, length + 1, 4) : size;
  }

  // ob_size up to 3.11, from 3.12 lv_tag: the number of digits << 3. From 3.11 on that of 0 is counted.
  Size of_int() {
    const auto word = at(kObjectSize);
    if (!word) return std::nullopt;
    const uint64_t digits =
        layout_.minor <= 11 ? static_cast<uint64_t>(std::llabs(static_cast<int64_t>(*word))) : *word >> 3;
    const uint64_t base = layout_.minor <= 11 ? kObjectBytes + kWord : type_.basic_size;
    return if_mapped(plus(base, layout_.minor >= 11 ? std::max<uint64_t>(digits, 1) : digits, 4));
  }

  // arrayobject, arraydescr (Modules/arraymodule.c): allocated, ob_descr; itemsize
  Size of_array() {
    const auto descriptor = at(40);
    const auto item = descriptor ? memory_.read<int32_t>(*descriptor + 4) : std::nullopt;
    return item && *item > 0 && *item <= 8 ? plus(type_.basic_size, at(32), *item) : std::nullopt;
  }

  // PyStructObject (Modules/_struct.c): s_codes, which an element without fmtdef ends
  Size of_struct() {
    constexpr uint64_t kCodeBytes = 32, kMaxCodes = 1 << 16;
    const auto codes = at(32);
    if (!codes) return std::nullopt;
    uint64_t count = 0;
    while (count < kMaxCodes && memory_.read<uint64_t>(*codes + count * kCodeBytes).value_or(0) != 0) count++;
    return plus(type_.basic_size, count + 1, kCodeBytes);
  }

  // type.__sizeof__
  Size of_type() {
    const auto flags = at(kTypeFlags), keys_address = at(layout_.cached_keys);
    if (!flags) return std::nullopt;
    if ((*flags & kHeapType) == 0) return layout_.type_bytes;
    if (!keys_address) return std::nullopt;
    if (*keys_address == 0) return layout_.heap_type_bytes;
    const auto keys = read_dict_keys(layout_, memory_, *keys_address);
    return keys ? Size(layout_.heap_type_bytes + keys->size_bytes) : std::nullopt;
  }

  Size of_code() {
    Size size = of_instance();
    if (layout_.minor >= 11) {
      if (size) *size = (*size + kWord - 1) / kWord * kWord;  // _PyObject_VAR_SIZE
    } else {
      // co_cell2arg and co_cellvars; co_opcache_map and co_code, co_opcache and co_opcache_size
      const auto cells = at(96) != 0u ? memory_.read<uint64_t>(at(88).value_or(0) + kObjectSize) : Size(0);
      size = plus(size, cells, kWord);
      const auto code_bytes = at(152) != 0u ? memory_.read<uint64_t>(at(48).value_or(0) + kObjectSize) : Size(0);
      size = plus(size, code_bytes ? Size(*code_bytes / 2) : std::nullopt, 1);
      const auto cache_size = memory_.read<uint8_t>(object_ + 172);
      if (at(160) != 0u) size = plus(size, cache_size ? Size(*cache_size) : std::nullopt, 32);
    }
    const auto extra = at(layout_.code_extra);
    if (!extra || *extra == 0) return size;
    return plus(plus(size, memory_.read<uint64_t>(*extra), kWord), 1, kWord);  // _PyCodeObjectExtra
  }

  // With the locals and the stack of its code.
  Size of_frame() {
    const bool is_generator = type_.kind == ObjectKind::kGenerator;
    if (layout_.minor <= 10 && is_generator) return of_instance();
    const auto code = frame_code(layout_, memory_, object_, type_.kind);
    if (!code) return std::nullopt;
    const uint64_t values = code->locals + code->stack_size;
    if (layout_.minor <= 10) return layout_.frame_bytes + (values - 1) * kWord;
    return (is_generator ? layout_.generator_frame : layout_.frame_bytes) + layout_.frame_locals + values * kWord;
  }

  const HeapLayout &layout_;
  HeapMemory &memory_;
  uint64_t object_;
  const HeapType &type_;
};

}  // namespace

std::optional<uint64_t> heap_object_size(const HeapLayout &layout, HeapMemory &memory, uint64_t object,
                                         const HeapType &type) {
  const Size size = Sizes(layout, memory, object, type).of_kind();
  if (!size || *size > kMaxSize) return std::nullopt;
  if (type.kind != ObjectKind::kType || !type.is(kHasCollectorHead)) return *size + type.header_bytes;
  // type.tp_is_gc: a type that is no heap type is none of the collector's
  const auto flags = memory.read<uint64_t>(object + kTypeFlags);
  const bool is_static = !flags || (*flags & kHeapType) == 0;
  return *size + (is_static ? type.header_bytes - kCollectorHeadBytes : type.header_bytes);
}

}  // namespace mp
