#include "heap_types.h"

#include <algorithm>
#include <array>

#include "../python_code.h"
#include "heap_dict.h"

namespace mp {
namespace {

constexpr uint64_t kMaxNameBytes = 512;
constexpr int kMaxBases = 64;
constexpr uint64_t kMaxBasicSize = 1 << 24, kMaxItemSize = 1 << 16, kMaxSlots = 1 << 12;
constexpr uint64_t kMemberBytes = 40;                        // PyMemberDef
constexpr int kMemberObject = 6, kMemberObjectOrError = 16;  // T_OBJECT, T_OBJECT_EX

uint64_t word_in(const std::array<uint8_t, kTypeBytesRead> &bytes, uint64_t offset) {
  uint64_t word;
  memcpy(&word, bytes.data() + offset, sizeof(word));
  return word;
}

// By tp_name. Names with a dot are those of C types, whichever way they are made; a class of Python has none.
struct NamedKind {
  std::string_view name;
  ObjectKind kind;
};
constexpr NamedKind kNamedKinds[] = {
    {"set", ObjectKind::kSet},
    {"frozenset", ObjectKind::kSet},
    {"bytearray", ObjectKind::kByteArray},
    {"code", ObjectKind::kCode},
    {"frame", ObjectKind::kFrame},
    {"generator", ObjectKind::kGenerator},
    {"coroutine", ObjectKind::kGenerator},
    {"async_generator", ObjectKind::kGenerator},
    {"collections.deque", ObjectKind::kDeque},
    {"array.array", ObjectKind::kArray},
    {"_io.BufferedReader", ObjectKind::kBuffered},
    {"_io.BufferedWriter", ObjectKind::kBuffered},
    {"_io.BufferedRandom", ObjectKind::kBuffered},
    {"_struct.Struct", ObjectKind::kStruct},
    {"weakref", ObjectKind::kWeakref},
    {"weakref.ReferenceType", ObjectKind::kWeakref},
    {"weakproxy", ObjectKind::kWeakref},
    {"weakref.ProxyType", ObjectKind::kWeakref},
    {"weakcallableproxy", ObjectKind::kWeakref},
    {"weakref.CallableProxyType", ObjectKind::kWeakref},
    {"float", ObjectKind::kLeaf},
    {"complex", ObjectKind::kLeaf},
    {"NoneType", ObjectKind::kLeaf},
    {"NotImplementedType", ObjectKind::kLeaf},
    {"ellipsis", ObjectKind::kLeaf},
    {"PyCapsule", ObjectKind::kLeaf},
    {"_thread.lock", ObjectKind::kLeaf},
    {"_thread.RLock", ObjectKind::kLeaf},
    {"_io.FileIO", ObjectKind::kInstance},
};

// Types whose references all stand in words of their own.
constexpr std::string_view kOfFields[] = {
    "_contextvars.Context",
    "_contextvars.ContextVar",
    "_contextvars.Token",
    "Context",
    "ContextVar",
    "Token",
    "_abc._abc_data",
    "_abc_data",
    "_functools._lru_cache_wrapper",
    "functools._lru_cache_wrapper",
    "_functools.partial",
    "functools.partial",
    "_io.BytesIO",
    "_io.IncrementalNewlineDecoder",
    "_io.StringIO",
    "_io.TextIOWrapper",
    "_thread._local",
    "builtin_function_or_method",
    "builtin_method",
    "bytearray_iterator",
    "bytes_iterator",
    "callable_iterator",
    "cell",
    "classmethod",
    "classmethod_descriptor",
    "dict_itemiterator",
    "dict_items",
    "dict_keyiterator",
    "dict_keys",
    "dict_reverseitemiterator",
    "dict_reversekeyiterator",
    "dict_reversevalueiterator",
    "dict_valueiterator",
    "dict_values",
    "enumerate",
    "filter",
    "function",
    "getset_descriptor",
    "instancemethod",
    "itertools.accumulate",
    "itertools.chain",
    "itertools.combinations",
    "itertools.compress",
    "itertools.count",
    "itertools.cycle",
    "itertools.dropwhile",
    "itertools.filterfalse",
    "itertools.groupby",
    "itertools.islice",
    "itertools.permutations",
    "itertools.product",
    "itertools.repeat",
    "itertools.starmap",
    "itertools.takewhile",
    "itertools.zip_longest",
    "iterator",
    "list_iterator",
    "list_reverseiterator",
    "longrange_iterator",
    "map",
    "mappingproxy",
    "member_descriptor",
    "memoryview",
    "method",
    "method-wrapper",
    "method_descriptor",
    "module",
    "operator.attrgetter",
    "operator.itemgetter",
    "operator.methodcaller",
    "property",
    "range",
    "range_iterator",
    "re.Match",
    "re.Pattern",
    "reversed",
    "set_iterator",
    "slice",
    "staticmethod",
    "str_ascii_iterator",
    "str_iterator",
    "super",
    "traceback",
    "tuple_iterator",
    "types.GenericAlias",
    "types.SimpleNamespace",
    "types.UnionType",
    "wrapper_descriptor",
    "zip",
};

ObjectKind kind_of_flags(uint64_t flags) {
  if ((flags & kIsType) != 0) return ObjectKind::kType;
  if ((flags & kIsInt) != 0) return ObjectKind::kInt;
  if ((flags & kIsStr) != 0) return ObjectKind::kStr;
  if ((flags & kIsBytes) != 0) return ObjectKind::kLeaf;
  if ((flags & kIsList) != 0) return ObjectKind::kList;
  if ((flags & kIsTuple) != 0) return ObjectKind::kTuple;
  if ((flags & kIsDict) != 0) return ObjectKind::kDict;
  if ((flags & kIsException) != 0) return ObjectKind::kFields;
  return ObjectKind::kUnknown;
}

ObjectKind kind_of_name(std::string_view name) {
  for (const NamedKind &named : kNamedKinds)
    if (named.name == name) return named.kind;
  const bool is_of_fields = std::find(std::begin(kOfFields), std::end(kOfFields), name) != std::end(kOfFields);
  return is_of_fields ? ObjectKind::kFields : ObjectKind::kUnknown;
}

}  // namespace

uint32_t HeapTypes::find(uint64_t address) {
  if (address % 8 != 0 || address < HeapMemory::kPageBytes || address >= HeapMemory::kMaxAddress) return kNone;
  const auto known = indices_.find(address);
  if (known != indices_.end()) return known->second;
  if (types_.size() >= kMaxTypes || others_.count(address) != 0) return kNone;
  if (!is_type(address)) {
    if (others_.size() >= kMaxOthers) others_.clear();
    others_.insert(address);
    return kNone;
  }
  indices_.emplace(address, kNone);  // of a type that is said to be its own base
  HeapType type = read_type(address);
  const auto index = static_cast<uint32_t>(types_.size());
  indices_[address] = index;
  types_.push_back(std::move(type));
  return index;
}

// object and type have the type `type`, and so have most others; a metaclass is one, too.
bool HeapTypes::is_type(uint64_t address) {
  const auto bytes = memory_.read<std::array<uint8_t, kTypeBytesRead>>(address);
  if (!bytes) return false;
  const uint64_t references = word_in(*bytes, 0), meta = word_in(*bytes, kObjectType);
  if (references == 0 || references >> 40 != 0 || (word_in(*bytes, kTypeFlags) & kReady) == 0) return false;
  const uint64_t basic_size = word_in(*bytes, kTypeBasicSize);
  if (basic_size < kObjectBytes || basic_size > kMaxBasicSize || word_in(*bytes, kTypeItemSize) > kMaxItemSize)
    return false;
  if (meta % 8 != 0) return false;
  const auto meta_flags = memory_.read<uint64_t>(meta + kTypeFlags),
             meta_meta = memory_.read<uint64_t>(meta + kObjectType);
  if (!meta_flags || !meta_meta || (*meta_flags & kIsType) == 0) return false;
  const auto last_flags = memory_.read<uint64_t>(*meta_meta + kTypeFlags);
  if (*meta_meta % 8 != 0 || !last_flags || (*last_flags & kIsType) == 0) return false;
  return !c_string(word_in(*bytes, kTypeName)).empty();
}

HeapType HeapTypes::read_type(uint64_t address) {
  const auto bytes = *memory_.read<std::array<uint8_t, kTypeBytesRead>>(address);
  HeapType type;
  type.address = address;
  type.flags = word_in(bytes, kTypeFlags);
  type.basic_size = word_in(bytes, kTypeBasicSize);
  type.item_size = word_in(bytes, kTypeItemSize);
  type.base = word_in(bytes, kTypeBase);
  type.dict_offset = static_cast<int64_t>(word_in(bytes, kTypeDictOffset));
  type.weak_list_offset = static_cast<int64_t>(word_in(bytes, kTypeWeakListOffset));
  if (type.is(kHasCollectorHead)) type.header_bytes += kCollectorHeadBytes;
  const uint64_t managed = layout_.minor <= 10   ? 0
                           : layout_.minor == 11 ? uint64_t{kManagedDict}
                                                 : kManagedDict | kManagedWeakref;
  if ((type.flags & managed) != 0) type.header_bytes += 16;
  const std::string full_name = c_string(word_in(bytes, kTypeName));
  const size_t dot = full_name.rfind('.');
  if (type.is(kHeapType)) {
    type.cached_keys = memory_.read<uint64_t>(address + layout_.cached_keys).value_or(0);
    type.name = text(memory_.read<uint64_t>(address + layout_.qualified_name).value_or(0));
    type.module = module_of(type);
  } else {
    type.module = dot == full_name.npos ? "builtins" : full_name.substr(0, dot);
  }
  if (type.name.empty()) type.name = dot == full_name.npos ? full_name : full_name.substr(dot + 1);
  type.kind = kind_of(type);
  read_slots(type);
  return type;
}

// The first base that says it. A class of Python has no more than a __dict__, a list of weak references and __slots__
// beyond its base; a C type that has is not known.
ObjectKind HeapTypes::kind_of(const HeapType &type) {
  const ObjectKind of_flags = kind_of_flags(type.flags);
  if (of_flags != ObjectKind::kUnknown && of_flags != ObjectKind::kDict) return of_flags;
  uint64_t address = type.address;
  ObjectKind kind = of_flags == ObjectKind::kDict ? of_flags : ObjectKind::kInstance;
  for (int depth = 0; depth < kMaxBases && address != 0; depth++) {
    const auto flags = memory_.read<uint64_t>(address + kTypeFlags);
    const auto base = memory_.read<uint64_t>(address + kTypeBase);
    const std::string name = c_string(memory_.read<uint64_t>(address + kTypeName).value_or(0));
    if (!flags || !base) break;
    const bool is_of_python = (*flags & kHeapType) != 0 && name.find('.') == name.npos;
    if (of_flags == ObjectKind::kDict) {
      if (name == "collections.OrderedDict") return ObjectKind::kOrderedDict;
    } else if (!is_of_python) {
      const ObjectKind named = kind_of_name(name);
      if (named != ObjectKind::kUnknown) return named;
      if (*base != 0) kind = ObjectKind::kUnknown;
    }
    address = *base;
  }
  return kind;
}

// The PyMemberDef's of a heap type stand behind its PyHeapTypeObject: {name, type, offset, flags, doc}.
void HeapTypes::read_slots(HeapType &type) {
  if (type.base != 0 && depth_ < kMaxBases) {
    depth_++;
    const uint32_t base = find(type.base);
    depth_--;
    if (base != kNone) type.slots = types_[base].slots;
  }
  if (!type.is(kHeapType)) return;
  const auto count = memory_.read<uint64_t>(type.address + kObjectSize);
  const auto meta = memory_.read<uint64_t>(type.address + kObjectType);
  const auto meta_size = meta ? memory_.read<uint64_t>(*meta + kTypeBasicSize) : std::nullopt;
  if (!count || !meta_size || *count > kMaxSlots || *meta_size > kMaxBasicSize) return;
  for (uint64_t i = 0; i < *count; i++) {
    const auto member = memory_.read<std::array<uint64_t, 3>>(type.address + *meta_size + i * kMemberBytes);
    if (!member) return;
    const int kind = static_cast<int>((*member)[1]);
    const uint64_t offset = (*member)[2];
    if ((kind != kMemberObject && kind != kMemberObjectOrError) || offset < kObjectBytes || offset % 8 != 0) continue;
    if (offset + 8 <= type.basic_size && type.slots.size() < kMaxSlots)
      type.slots.push_back({offset, c_string((*member)[0])});
  }
}

std::string HeapTypes::module_of(const HeapType &type) {
  std::string module;
  const auto dict = memory_.read<uint64_t>(type.address + kTypeDict);
  if (!dict || *dict == 0) return module;
  visit_dict(layout_, memory_, *dict, [&](uint64_t key, uint64_t value) {
    if (module.empty() && text(key) == "__module__") module = text(value);
  });
  return module;
}

std::string HeapTypes::c_string(uint64_t address) {
  std::string text;
  for (std::array<char, 16> part; text.size() < kMaxNameBytes; address += part.size()) {
    // as far as the page goes, behind which there may be nothing
    const uint64_t there = std::min<uint64_t>(part.size(), HeapMemory::kPageBytes - address % HeapMemory::kPageBytes);
    if (!memory_.read_bytes(address, part.data(), there)) return "";
    const size_t length = strnlen(part.data(), there);
    text.append(part.data(), length);
    if (length < there) break;
    if (there < part.size()) address -= part.size() - there;
  }
  const bool is_printable =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= ' ' && c != 0x7f; });
  return is_printable ? text : "";
}

std::string HeapTypes::text(uint64_t object) {
  // PyASCIIObject: PyObject, length, hash, state
  const auto header = memory_.read<std::array<uint64_t, 5>>(object);
  if (!header) return "";
  const auto flags = memory_.read<uint64_t>((*header)[1] + kTypeFlags);
  if (!flags || (*flags & kIsStr) == 0) return "";
  const uint64_t state = (*header)[4], start = (state >> 6 & 1) != 0 ? layout_.ascii_bytes : layout_.compact_bytes;
  std::array<uint8_t, 4 * kMaxNameBytes> bytes;
  const uint64_t size_bytes = start + std::min((*header)[2], kMaxNameBytes / 2) * (state >> 2 & 7);
  if (size_bytes > bytes.size() || !memory_.read_bytes(object, bytes.data(), size_bytes)) return "";
  return python_string(layout_.minor, bytes.data(), size_bytes).value_or("");
}

}  // namespace mp
