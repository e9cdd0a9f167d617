#include "v8_layout.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>

namespace mp {
namespace {

// ---- What the `v8dbg_*` constants lack ----

// One row for each version, which is the one of a line of Node releases. Files are those of V8's sources.
struct Version {
  int major, minor;
  // src/objects/js-function.tq and the classes that extend JSFunction: JSClassConstructor is the last one
  // (@highestInstanceTypeWithinParentClassRange). 0: v8dbg_LastJSFunctionType says it.
  uint16_t js_functions;
  uint16_t function_code;      // src/objects/js-function.tq
  uint16_t debug_info_script;  // src/objects/debug-objects.tq; 0: a SharedFunctionInfo points to its Script
  uint16_t script_source_url;  // src/objects/script.tq
  uint16_t source_positions;   // src/objects/code.tq, from 12.4 on src/objects/bytecode-array.h
  uint16_t scope_positions;    // src/objects/scope-info.tq
  bool scope_flags_are_smi, scope_has_module_count;
  V8ScopeTypes scopes;  // src/common/globals.h
  // AllocationCounter::paused_, src/heap/allocation-observer.h. 0: there is none, and the counter is told of all large
  // objects, not only where somebody observes them (AdvanceAndInvokeAllocationObservers, src/heap/large-spaces.cc)
  uint16_t counter_paused;
};

constexpr V8ScopeTypes kClassScopeFirst = {0, 1, 2, 3, 4};
constexpr V8ScopeTypes kScriptScopeFirst = {2, 3, 4, 5, 0};

constexpr Version kVersions[] = {
    {10, 2, 16, 48, 24, 104, 32, 0, true, false, kClassScopeFirst, 124},  // Node 18
    {11, 3, 16, 48, 24, 112, 32, 0, true, false, kClassScopeFirst, 0},    // Node 20
    {12, 4, 0, 24, 0, 112, 24, 0, true, true, kClassScopeFirst, 0},       // Node 22
    {13, 6, 0, 24, 0, 112, 24, 32, false, true, kScriptScopeFirst, 0},    // Node 24
};

const Version *find_version(int major, int minor) {
  for (const Version &version : kVersions)
    if (version.major == major && version.minor == minor) return &version;
  return nullptr;
}

// ---- Symbols ----

// Frames of the interpreter (IsInterpreterTrampolineBuiltin, IsBaselineTrampolineBuiltin in src/objects/code.h,
// src/builtins/builtins.h) that have a function in their slot: bytecode handlers have frames of their own, with a type.
constexpr std::string_view kInterpreter[] = {
    "Builtins_InterpreterEntryTrampoline",           "Builtins_InterpreterEntryTrampolineForProfiling",
    "Builtins_InterpreterEnterAtBytecode",           "Builtins_InterpreterEnterAtNextBytecode",
    "Builtins_BaselineOrInterpreterEnterAtBytecode", "Builtins_BaselineOrInterpreterEnterAtNextBytecode",
};

// Heap::MarkCompact calls MarkCompactEpilogue when the collector has moved everything (src/heap/heap.cc). Both are
// called, and not inlined, in the builds of Node 18 to 24.
constexpr std::string_view kCollectionBegin = "_ZN2v88internal4Heap11MarkCompactEv";
constexpr std::string_view kCollectionEnd = "_ZN2v88internal4Heap19MarkCompactEpilogueEv";

// The first thing that is taken down of all in which Heap::TearDown (src/heap/heap.cc) frees objects; that function
// itself is held, so that names can still be read.
constexpr std::string_view kHeapEnd = "_ZN2v88internal20MarkCompactCollector8TearDownEv";

// Of code that no frame is in any more, when another function is deoptimized; 10.2 only
// (src/deoptimizer/deoptimizer.cc).
constexpr std::string_view kInvalidation = "_ZN2v88internal4Heap32InvalidateCodeDeoptimizationDataENS0_4CodeE";

// Told by every linear allocation buffer that is used up or given up, and of every large object
// (AdvanceAllocationObservers of src/heap/spaces.cc, from 12.4 on of main-allocator.cc; large-spaces.cc).
constexpr std::string_view kAllocationCounter = "_ZN2v88internal17AllocationCounter26AdvanceAllocationObserversEm";

// src/heap/memory-allocator.cc
constexpr std::string_view kAllocateLargePage =
    "_ZN2v88internal15MemoryAllocator17AllocateLargePageEPNS0_16LargeObjectSpaceEmNS0_13ExecutabilityE";

constexpr std::string_view kVersionNumbers[] = {
    "_ZN2v88internal7Version6major_E",
    "_ZN2v88internal7Version6minor_E",
    "_ZN2v88internal7Version6build_E",
    "_ZN2v88internal7Version6patch_E",
};

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

class Constants {
 public:
  Constants(const ElfFile &elf, const std::vector<ElfSymbol> &symbols) : elf_(elf) {
    for (const ElfSymbol &symbol : symbols)
      if (starts_with(symbol.name, "v8dbg_") || starts_with(symbol.name, "_ZN2v88internal7Version"))
        addresses_.emplace(symbol.name, symbol.address);
  }

  std::optional<int32_t> number(std::string_view name) const {
    const auto found = addresses_.find(name);
    return found == addresses_.end() ? std::nullopt : std::optional(number_at(found->second));
  }

  // The constant "v8dbg_class_CLASS__FIELD__TYPE", whatever the type.
  std::optional<int32_t> field(const std::string &name) const {
    const std::string prefix = "v8dbg_class_" + name + "__";
    const auto found = addresses_.lower_bound(prefix);
    if (found == addresses_.end() || !starts_with(found->first, prefix)) return std::nullopt;
    return number_at(found->second);
  }

  std::optional<int32_t> instance_type(const std::string &name) const {
    const std::string prefix = "v8dbg_type_" + name + "__";
    const auto found = addresses_.lower_bound(prefix);
    if (found == addresses_.end() || !starts_with(found->first, prefix)) return std::nullopt;
    return number_at(found->second);
  }

 private:
  // 0 has no bytes in the file, it is in .bss.
  int32_t number_at(uint64_t address) const {
    int32_t number = 0;
    const auto [bytes, size] = elf_.bytes_at(address, sizeof(number));
    if (bytes != nullptr && size == sizeof(number)) memcpy(&number, bytes, sizeof(number));
    return number;
  }

  const ElfFile &elf_;
  std::map<std::string_view, uint64_t, std::less<>> addresses_;
};

// Copies constants into a layout. What is missing, or is no offset that anybody would have, is remembered.
class Reader {
 public:
  explicit Reader(const Constants &constants) : constants_(constants) {}

  bool ok() const { return ok_; }
  void field(uint16_t &to, const char *name) { copy(to, constants_.field(name), 0, kMaxOffset); }
  void type(uint16_t &to, const char *name) { copy(to, constants_.instance_type(name), 0, kNoV8Type - 1); }
  void slot(int16_t &to, const char *name) { copy(to, constants_.number(name), -kMaxOffset, kMaxOffset); }
  void number(uint16_t &to, const char *name) { copy(to, constants_.number(name), 0, kNoV8Type - 1); }
  bool is(const char *name, int32_t expected) const { return constants_.number(name) == expected; }

 private:
  static constexpr int32_t kMaxOffset = 1024;

  template <typename T>
  void copy(T &to, std::optional<int32_t> number, int32_t lowest, int32_t highest) {
    if (number && *number >= lowest && *number <= highest)
      to = static_cast<T>(*number);
    else
      ok_ = false;
  }

  const Constants &constants_;
  bool ok_ = true;
};

constexpr uint16_t kWordBytes = 8;

// Offsets of words of a ScopeInfo are given as indices behind the map.
uint16_t word_offset(uint16_t index) {
  return kWordBytes + index * kWordBytes;
}

void read_types(Reader &reader, const Constants &constants, const Version &version, V8InstanceTypes &types) {
  reader.type(types.map, "Map");
  reader.type(types.first_js_function, "JSFunction");
  if (version.js_functions != 0)
    types.last_js_function = types.first_js_function + version.js_functions - 1;
  else
    reader.number(types.last_js_function, "v8dbg_LastJSFunctionType");
  reader.type(types.shared_function_info, "SharedFunctionInfo");
  reader.type(types.debug_info, "DebugInfo");
  reader.type(types.script, "Script");
  reader.type(types.scope_info, "ScopeInfo");
  reader.type(types.first_uncompiled_data, "UncompiledDataWithPreparseData");
  reader.type(types.last_uncompiled_data, "UncompiledDataWithoutPreparseDataWithJob");
  reader.type(types.bytecode_array, "BytecodeArray");
  reader.type(types.code, "Code");
  reader.type(types.fixed_array, "FixedArray");
  reader.type(types.byte_array, "ByteArray");
  types.trusted_byte_array = constants.instance_type("TrustedByteArray").value_or(kNoV8Type);
}

void read_strings(Reader &reader, V8Layout &layout) {
  reader.field(layout.string_length, "String__length");
  reader.field(layout.string_chars, "SeqOneByteString__chars");
  reader.field(layout.cons_first, "ConsString__first");
  reader.field(layout.cons_second, "ConsString__second");
  reader.field(layout.sliced_parent, "SlicedString__parent");
  reader.field(layout.sliced_offset, "SlicedString__offset");
  reader.field(layout.thin_actual, "ThinString__actual");
  // src/objects/string.tq: resource, resource_data
  reader.field(layout.external_data, "ExternalString__resource");
  layout.external_data += kWordBytes;
}

void read_functions(Reader &reader, const Version &version, V8Layout &layout) {
  reader.field(layout.function_shared, "JSFunction__shared");
  layout.function_code = version.function_code;
  layout.shared_data = kWordBytes;  // src/objects/shared-function-info.tq
  reader.field(layout.shared_name_or_scope_info, "SharedFunctionInfo__name_or_scope_info");
  reader.field(layout.shared_script, version.debug_info_script != 0 ? "SharedFunctionInfo__script_or_debug_info"
                                                                    : "SharedFunctionInfo__script");
  reader.field(layout.shared_flags, "SharedFunctionInfo__flags");
  layout.debug_info_script = version.debug_info_script;
  reader.field(layout.uncompiled_inferred_name, "UncompiledData__inferred_name");
  reader.field(layout.uncompiled_start, "UncompiledData__start_position");
  reader.field(layout.uncompiled_end, "UncompiledData__end_position");

  layout.scope_flags = word_offset(0);
  layout.scope_flags_are_smi = version.scope_flags_are_smi;
  layout.scope_positions = version.scope_positions;
  layout.scope_has_module_count = version.scope_has_module_count;
  uint16_t index = 0;
  reader.number(index, "v8dbg_scopeinfo_idx_ncontextlocals");
  layout.scope_local_count = word_offset(index);
  reader.number(index, "v8dbg_scopeinfo_idx_first_vars");
  layout.scope_locals = word_offset(index);
}

void read_scripts(Reader &reader, const Version &version, V8Layout &layout) {
  reader.field(layout.script_source, "Script__source");
  reader.field(layout.script_name, "Script__name");
  reader.field(layout.script_line_ends, "Script__line_ends");
  // src/objects/script.tq: name, line_offset, column_offset; line_ends, id; flags, source_url
  layout.script_line_offset = layout.script_name + kWordBytes;
  layout.script_column_offset = layout.script_line_offset + kWordBytes;
  layout.script_id = layout.script_line_ends + kWordBytes;
  layout.script_flags = version.script_source_url - kWordBytes;
  layout.script_source_url = version.script_source_url;

  reader.field(layout.array_length, "FixedArrayBase__length");
  reader.field(layout.array_elements, "FixedArray__data");
  layout.bytecode_length = layout.array_length;
  layout.bytecode_source_positions = version.source_positions;
  reader.field(layout.bytecode_bytes, "BytecodeArray__data");
}

// nullopt if a constant is missing, or not one of the builds that are described in v8_layout.h.
std::optional<V8Layout> read_layout(const Constants &constants, const Version &version) {
  V8Layout layout;
  Reader reader(constants);
  const bool is_known_build = reader.is("v8dbg_TaggedSize", kWordBytes) && reader.is("v8dbg_SmiTag", 0) &&
                              reader.is("v8dbg_SmiTagMask", layout.tags.smi_tag_mask) &&
                              reader.is("v8dbg_SmiShiftSize", layout.tags.smi_shift - 1) &&
                              reader.is("v8dbg_HeapObjectTag", layout.tags.heap_object_tag) &&
                              reader.is("v8dbg_HeapObjectTagMask", layout.tags.heap_object_tag_mask);
  if (!is_known_build) return std::nullopt;
  reader.slot(layout.frame.context_or_frame_type, "v8dbg_off_fp_context_or_frame_type");
  reader.slot(layout.frame.function, "v8dbg_off_fp_function");
  reader.slot(layout.frame.bytecode_array, "v8dbg_off_fp_bytecode_array");
  reader.slot(layout.frame.bytecode_offset, "v8dbg_off_fp_bytecode_offset");
  reader.field(layout.map, "HeapObject__map");
  reader.field(layout.map_instance_type, "Map__instance_type");
  layout.scopes = version.scopes;
  read_types(reader, constants, version, layout.types);
  read_strings(reader, layout);
  read_functions(reader, version, layout);
  read_scripts(reader, version, layout);
  return reader.ok() ? std::optional(layout) : std::nullopt;
}

}  // namespace

bool V8Image::is_interpreted(uint64_t address) const {
  return std::any_of(interpreted.begin(), interpreted.end(),
                     [&](const auto &range) { return address >= range.first && address < range.second; });
}

std::optional<V8Image> find_v8(const ElfFile &elf) {
  if (!elf.find_function(kInterpreter[0])) return std::nullopt;
  const auto symbols = elf.symbols(false);
  const Constants constants(elf, symbols);
  V8Image image;
  std::vector<int> numbers;
  for (std::string_view name : kVersionNumbers) {
    numbers.push_back(constants.number(name).value_or(0));
    image.version += (image.version.empty() ? "" : ".") + std::to_string(numbers.back());
  }
  image.major = numbers[0];
  image.minor = numbers[1];
  const Version *version = find_version(image.major, image.minor);
  const auto layout = version != nullptr ? read_layout(constants, *version) : std::nullopt;
  if (version != nullptr) image.counter_paused = version->counter_paused;
  if (layout)
    image.layout = *layout;
  else
    image.unsupported = (version != nullptr ? "this build of V8 " : "this version of V8 (") + image.version +
                        (version != nullptr ? "" : ")") + " is not known to mp: its stacks show native frames only";
  for (const ElfSymbol &symbol : symbols) {
    if (symbol.name == kCollectionBegin) image.collection_begin = symbol.address;
    if (symbol.name == kCollectionEnd) image.collection_end = symbol.address;
    if (symbol.name == kHeapEnd) image.heap_end = symbol.address;
    if (symbol.name == kInvalidation) image.invalidation = symbol.address;
    if (symbol.name == kAllocationCounter) image.allocation_counter = symbol.address;
    if (symbol.name == kAllocateLargePage && image.counter_paused) image.large_allocation = symbol.address;
    if (symbol.type != STT_FUNC || !starts_with(symbol.name, "Builtins_")) continue;
    const std::pair range{symbol.address, symbol.address + symbol.size_bytes};
    if (image.builtins.second == 0) image.builtins.first = range.first;
    image.builtins.second = std::max(image.builtins.second, range.second);
    if (std::find(std::begin(kInterpreter), std::end(kInterpreter), symbol.name) != std::end(kInterpreter))
      image.interpreted.emplace_back(range.first - 1, range.second);
  }
  return image;
}

}  // namespace mp
