#include "python_objects.h"

#include <algorithm>
#include <cstring>

#include "python_code.h"

namespace mp {
namespace {

// How often a dict is read that changes meanwhile.
constexpr int kAttempts = 8;
constexpr uint64_t kMaxEntries = 1 << 16;

// ---- PyObject, PyTypeObject, PyHeapTypeObject (Include/object.h, Include/cpython/object.h) ----

constexpr uint64_t kObjectType = 8;
constexpr uint64_t kTypeFlags = 168;
constexpr uint64_t kTypeDictOffset = 288;

constexpr uint64_t kInlineValues = 1 << 2;  // Py_TPFLAGS_INLINE_VALUES, from 3.13
constexpr uint64_t kManagedDict = 1 << 4;   // Py_TPFLAGS_MANAGED_DICT, from 3.11
constexpr uint64_t kHeapType = 1 << 9;
constexpr uint64_t kIsInt = 1 << 24;  // Py_TPFLAGS_LONG_SUBCLASS and so on
constexpr uint64_t kIsStr = 1 << 28;
constexpr uint64_t kIsDict = 1 << 29;

constexpr uint64_t cached_keys_offset(int minor) {
  return minor <= 11 ? 872 : 880;  // used from 3.11 on
}

// ---- PyASCIIObject, PyCompactUnicodeObject (Include/cpython/unicodeobject.h) without the reference count ----
struct StringHeader {
  uint64_t type;
  int64_t length;  // code points
  uint64_t hash;
  uint64_t state;  // bits 2..4: bytes of a code point; bit 6: ASCII
};

// ---- PyLongObject (Include/longintrepr.h, from 3.11 Include/cpython/longintrepr.h) without the reference count ----
struct IntHeader {
  uint64_t type;
  uint64_t size;  // up to 3.11 the number of digits, negative if the int is; from 3.12 number << 3 | sign (0: positive)
  uint32_t digit;  // the lowest 30 bits
};

// ---- PyDictObject (Include/cpython/dictobject.h) without the reference count ----
enum DictWord : uint8_t { kDictType, kDictUsed, kDictVersion, kDictKeys, kDictValues, kDictWords };
using DictHeader = std::array<uint64_t, kDictWords>;

// Values of a split table: PyDictValues (Include/internal/pycore_dict.h). From 3.13 the pointers stand behind a header
// {capacity, size, embedded, valid} of one byte each.
constexpr uint64_t values_header_bytes(int minor) {
  return minor >= 13 ? 8 : 0;
}

// Where the values stand in an object itself (_PyObject_InlineValues): behind the PyObject.
constexpr uint64_t kInlineValuesOffset = 16;

// Bytes of an index into the entries of a hash table (DK_IXSIZE in Objects/dictobject.c of 3.8 to 3.10).
uint64_t index_bytes(uint64_t size) {
  return size <= 0xff ? 1 : size <= 0xffff ? 2 : 4;
}

}  // namespace

std::optional<PythonObjects::Type> PythonObjects::type_at(uint64_t type) {
  const auto known = types_.find(type);
  if (known != types_.end()) return known->second;
  const auto flags = read<uint64_t>(type + kTypeFlags);
  const auto dict_offset = read<int64_t>(type + kTypeDictOffset);
  if (!flags || !dict_offset) return std::nullopt;
  Type result{*flags, *dict_offset, 0};
  if ((*flags & kHeapType) != 0) result.cached_keys = read<uint64_t>(type + cached_keys_offset(minor_)).value_or(0);
  types_.emplace(type, result);
  return result;
}

bool PythonObjects::is_kind_of(uint64_t type, uint64_t flag) {
  const auto known = type_at(type);
  return known && (known->flags & flag) != 0;
}

std::optional<std::string> PythonObjects::text(uint64_t object) {
  const auto header = read<StringHeader>(object + kObjectType);
  if (!header || !is_kind_of(header->type, kIsStr) || header->length < 0) return std::nullopt;
  const bool is_ascii = (header->state >> 6 & 1) != 0;
  const size_t text_offset = minor_ <= 11 ? (is_ascii ? 48 : 72) : (is_ascii ? 40 : 56);
  const uint64_t count = std::min<uint64_t>(header->length, kMaxText);
  std::vector<uint8_t> copy(text_offset + count * (header->state >> 2 & 7));
  if (!memory_.read_bytes(object, copy.data(), copy.size())) return std::nullopt;
  return python_string(minor_, copy.data(), copy.size());
}

std::optional<uint32_t> PythonObjects::number(uint64_t object) {
  const auto header = read<IntHeader>(object + kObjectType);
  if (!header || !is_kind_of(header->type, kIsInt)) return std::nullopt;
  const uint64_t one_digit = minor_ <= 11 ? 1 : 1 << 3;
  if (header->size != one_digit || header->digit == 0 || header->digit >> 30 != 0) return std::nullopt;
  return header->digit;
}

// PyDictKeysObject: reference count, size of the hash table, other things, the number of entries, the hash table, which
// holds indices into the entries, and the entries.
std::optional<PythonObjects::Keys> PythonObjects::keys_at(uint64_t keys) {
  Keys result{};
  uint64_t size = 0;
  if (minor_ <= 10) {
    // Objects/dict-common.h: dk_refcnt, dk_size, dk_lookup, dk_usable, dk_nentries, dk_indices
    const auto header = read<std::array<uint64_t, 5>>(keys);
    if (!header) return std::nullopt;
    size = (*header)[1];
    if (size > UINT32_MAX) return std::nullopt;
    result = {(*header)[4], keys + sizeof(*header) + size * index_bytes(size), 3};
  } else {
    // Include/internal/pycore_dict.h: dk_refcnt; dk_log2_size, dk_log2_index_bytes, dk_kind (0: keys of any type), of
    // one byte each, dk_version; dk_usable, dk_nentries, dk_indices
    const auto header = read<std::array<uint64_t, 4>>(keys);
    if (!header) return std::nullopt;
    const unsigned log2_size = (*header)[1] & 0xff, log2_index_bytes = (*header)[1] >> 8 & 0xff;
    const unsigned kind = (*header)[1] >> 16 & 0xff;
    if (log2_size > 31 || log2_index_bytes > 34) return std::nullopt;
    size = 1ull << log2_size;
    result = {(*header)[3], keys + sizeof(*header) + (1ull << log2_index_bytes), kind == 0 ? 3u : 2u};
  }
  if (result.count > size || result.count > kMaxEntries) return std::nullopt;
  return result;
}

// The entries that have a value: their own one, or, if `values` is not 0, the one in the array there.
std::optional<PythonObjects::Entries> PythonObjects::table(uint64_t keys_address, uint64_t values) {
  const auto keys = keys_at(keys_address);
  if (!keys) return std::nullopt;
  std::vector<uint64_t> words(keys->count * keys->entry_words), split(values != 0 ? keys->count : 0);
  if (!words.empty() && !memory_.read_bytes(keys->entries, words.data(), words.size() * sizeof(uint64_t)))
    return std::nullopt;
  if (!split.empty() && !memory_.read_bytes(values, split.data(), split.size() * sizeof(uint64_t))) return std::nullopt;
  Entries entries;
  for (uint64_t i = 0; i < keys->count; i++) {
    const uint64_t *behind = &words[i * keys->entry_words] + keys->entry_words;
    const uint64_t value = values != 0 ? split[i] : behind[-1];
    if (behind[-2] != 0 && value != 0) entries.push_back({behind[-2], value});
  }
  return entries;
}

// The number of items is changed at another moment than the items are.
std::optional<PythonObjects::Entries> PythonObjects::items(uint64_t dict) {
  const auto header = read<DictHeader>(dict + kObjectType);
  if (!header || !is_kind_of((*header)[kDictType], kIsDict)) return std::nullopt;
  const uint64_t values = (*header)[kDictValues];
  auto entries = table((*header)[kDictKeys], values != 0 ? values + values_header_bytes(minor_) : 0);
  if (!entries || entries->size() != (*header)[kDictUsed]) return std::nullopt;
  return entries;
}

// A dict has not changed if its version has not (PEP 509).
std::optional<PythonObjects::Entries> PythonObjects::items_at_once(uint64_t dict) {
  for (int attempt = 0; attempt < kAttempts; attempt++) {
    forget();
    const auto before = read<DictHeader>(dict + kObjectType);
    auto entries = items(dict);
    DictHeader after;
    if (!before || !memory_.read_directly(dict + kObjectType, &after, sizeof(after))) return std::nullopt;
    if (entries && *before == after) return entries;
  }
  return std::nullopt;
}

// Up to 3.10, and from 3.11 on where a base class has it so: a pointer in the object. Not supported is a distance from
// the end, which objects of variable size have.
std::optional<PythonObjects::Entries> PythonObjects::attributes(uint64_t object) {
  const auto type_address = read<uint64_t>(object + kObjectType);
  const auto type = type_address ? type_at(*type_address) : std::nullopt;
  if (!type) return std::nullopt;
  if (minor_ >= 11 && (type->flags & kManagedDict) != 0) return managed_attributes(object, *type);
  if (type->dict_offset <= 0) return std::nullopt;
  const auto dict = read<uint64_t>(object + type->dict_offset);
  return dict ? items(*dict) : std::nullopt;
}

// Words in front of the object say where a dict or, as long as there is none, the values of a split table are, whose
// keys are the class's (Include/internal/pycore_object.h).
std::optional<PythonObjects::Entries> PythonObjects::managed_attributes(uint64_t object, const Type &type) {
  constexpr uint64_t kWord = sizeof(uint64_t);
  const auto dict = read<uint64_t>(object - 3 * kWord);
  if (!dict) return std::nullopt;
  if (minor_ == 11) {
    // _PyObject_ValuesPointer, _PyObject_ManagedDictPointer: one of them is not 0
    const auto values = read<uint64_t>(object - 4 * kWord);
    if (!values) return std::nullopt;
    if (*values != 0) return table(type.cached_keys, *values);
  } else if (minor_ == 12) {
    // PyDictOrValues: the address of the values - 1, which is odd, or of the dict
    if ((*dict & 1) != 0) return table(type.cached_keys, *dict + 1);
  } else if (*dict == 0 && (type.flags & kInlineValues) != 0) {
    // PyManagedDictPointer, _PyObject_InlineValues
    const auto header = read<std::array<uint8_t, 4>>(object + kInlineValuesOffset);
    const bool is_valid = header && (*header)[3] != 0;
    if (!is_valid) return std::nullopt;
    return table(type.cached_keys, object + kInlineValuesOffset + values_header_bytes(minor_));
  }
  return items(*dict);
}

uint64_t PythonObjects::find(const Entries &entries, std::string_view name) {
  for (const Entry &entry : entries) {
    auto known = names_.find(entry.key);
    if (known == names_.end()) {
      auto key = text(entry.key);
      if (!key) continue;
      known = names_.emplace(entry.key, std::move(*key)).first;
    }
    if (known->second == name) return entry.value;
  }
  return 0;
}

}  // namespace mp
