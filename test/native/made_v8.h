// A program with V8 inside, made by hand: the ELF file with its constants, and the heap of one that runs. Each version
// that mp knows, as built for Node.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "elf.h"
#include "elf_builder.h"
#include "v8_layout.h"

// V8 10.2, 11.3, 12.4, 13.6
constexpr int kMadeV8Versions = 4;

struct MadeV8Constant {
  const char *name;
  int32_t values[kMadeV8Versions];  // kNoConstant: not there
};

constexpr int32_t kNoConstant = INT32_MIN;

constexpr MadeV8Constant kMadeV8Constants[] = {
    {"_ZN2v88internal7Version6major_E", {10, 11, 12, 13}},
    {"_ZN2v88internal7Version6minor_E", {2, 3, 4, 6}},
    {"_ZN2v88internal7Version6build_E", {154, 244, 254, 233}},
    {"_ZN2v88internal7Version6patch_E", {26, 8, 21, 17}},
    {"v8dbg_TaggedSize", {8, 8, 8, 8}},
    {"v8dbg_SmiTag", {0, 0, 0, 0}},
    {"v8dbg_SmiTagMask", {1, 1, 1, 1}},
    {"v8dbg_SmiShiftSize", {31, 31, 31, 31}},
    {"v8dbg_HeapObjectTag", {1, 1, 1, 1}},
    {"v8dbg_HeapObjectTagMask", {3, 3, 3, 3}},
    {"v8dbg_off_fp_context_or_frame_type", {-8, -8, -8, -8}},
    {"v8dbg_off_fp_function", {-16, -16, -16, -16}},
    {"v8dbg_off_fp_bytecode_array", {-32, -32, -32, -32}},
    {"v8dbg_off_fp_bytecode_offset", {-40, -40, -40, -40}},
    {"v8dbg_scopeinfo_idx_ncontextlocals", {2, 2, 2, 2}},
    {"v8dbg_scopeinfo_idx_first_vars", {3, 3, 3, 5}},
    {"v8dbg_LastJSFunctionType", {kNoConstant, kNoConstant, 2082, 2081}},
    {"v8dbg_type_Map__MAP_TYPE", {250, 255, 264, 272}},
    {"v8dbg_type_JSFunction__JS_FUNCTION_TYPE", {2065, 2066, 2066, 2065}},
    {"v8dbg_type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE", {257, 262, 274, 282}},
    {"v8dbg_type_DebugInfo__DEBUG_INFO_TYPE", {156, 153, 154, 154}},
    {"v8dbg_type_Script__SCRIPT_TYPE", {170, 167, 167, 167}},
    {"v8dbg_type_ScopeInfo__SCOPE_INFO_TYPE", {256, 261, 272, 280}},
    {"v8dbg_type_UncompiledDataWithPreparseData__X", {217, 220, 200, 175}},
    {"v8dbg_type_UncompiledDataWithoutPreparseDataWithJob__X", {220, 223, 203, 178}},
    {"v8dbg_type_BytecodeArray__BYTECODE_ARRAY_TYPE", {195, 191, 205, 186}},
    {"v8dbg_type_Code__CODE_TYPE", {240, 245, 206, 187}},
    {"v8dbg_type_FixedArray__FIXED_ARRAY_TYPE", {179, 175, 174, 205}},
    {"v8dbg_type_ByteArray__BYTE_ARRAY_TYPE", {194, 190, 186, 217}},
    {"v8dbg_type_TrustedByteArray__TRUSTED_BYTE_ARRAY_TYPE", {kNoConstant, kNoConstant, 212, 196}},
    {"v8dbg_class_HeapObject__map__Map", {0, 0, 0, 0}},
    {"v8dbg_class_Map__instance_type__uint16_t", {12, 12, 12, 12}},
    {"v8dbg_class_String__length__int32_t", {12, 12, 12, 12}},
    {"v8dbg_class_SeqOneByteString__chars__char", {16, 16, 16, 16}},
    {"v8dbg_class_ConsString__first__String", {16, 16, 16, 16}},
    {"v8dbg_class_ConsString__second__String", {24, 24, 24, 24}},
    {"v8dbg_class_SlicedString__parent__String", {16, 16, 16, 16}},
    {"v8dbg_class_SlicedString__offset__SMI", {24, 24, 24, 24}},
    {"v8dbg_class_ThinString__actual__String", {16, 16, 16, 16}},
    {"v8dbg_class_ExternalString__resource__Object", {16, 16, 16, 16}},
    {"v8dbg_class_JSFunction__shared__SharedFunctionInfo", {24, 24, 32, 32}},
    {"v8dbg_class_SharedFunctionInfo__name_or_scope_info__Object", {16, 16, 16, 24}},
    {"v8dbg_class_SharedFunctionInfo__script_or_debug_info__HeapObject", {32, 32, kNoConstant, kNoConstant}},
    {"v8dbg_class_SharedFunctionInfo__script__Tagged_HeapObject_", {kNoConstant, kNoConstant, 32, 40}},
    {"v8dbg_class_SharedFunctionInfo__flags__int", {48, 48, 48, 56}},
    {"v8dbg_class_UncompiledData__inferred_name__String", {8, 8, 8, 8}},
    {"v8dbg_class_UncompiledData__start_position__int32_t", {16, 16, 16, 16}},
    {"v8dbg_class_UncompiledData__end_position__int32_t", {20, 20, 20, 20}},
    {"v8dbg_class_Script__source__Object", {8, 8, 8, 8}},
    {"v8dbg_class_Script__name__Object", {16, 16, 16, 16}},
    {"v8dbg_class_Script__line_ends__Object", {56, 56, 56, 56}},
    {"v8dbg_class_FixedArrayBase__length__SMI", {8, 8, 8, 8}},
    {"v8dbg_class_FixedArray__data__uintptr_t", {16, 16, 16, 16}},
    {"v8dbg_class_BytecodeArray__data__uintptr_t", {56, 54, 64, 64}},
};

// The file. `changed` are values of constants; kNoConstant takes one away.
inline std::vector<uint8_t> made_v8_file(int version, const std::map<std::string, int32_t> &changed = {}) {
  constexpr uint64_t kAddress = 0x10000, kCode = 0x20000;
  std::string names(1, '\0');
  std::vector<Elf64_Sym> symbols(1);
  std::vector<uint8_t> data;
  const auto add = [&](const std::string &name, uint8_t type, uint64_t address, uint64_t size_bytes) {
    symbols.push_back({static_cast<uint32_t>(names.size()), static_cast<unsigned char>(ELF64_ST_INFO(STB_GLOBAL, type)),
                       0, 1, address, size_bytes});
    names += name + '\0';
  };
  for (const MadeV8Constant &constant : kMadeV8Constants) {
    const auto found = changed.find(constant.name);
    const int32_t value = found == changed.end() ? constant.values[version] : found->second;
    if (value == kNoConstant) continue;
    // 0 is in .bss, which has no bytes in the file
    add(constant.name, STT_OBJECT, value == 0 ? 0x90000 : kAddress + data.size(), 4);
    if (value != 0)
      data.insert(data.end(), reinterpret_cast<const uint8_t *>(&value), reinterpret_cast<const uint8_t *>(&value + 1));
  }
  const char *functions[] = {"Builtins_RecordWrite",
                             "Builtins_InterpreterEntryTrampoline",
                             "Builtins_CallHandler",
                             "Builtins_InterpreterEnterAtBytecode",
                             "Builtins_InterpreterEnterAtNextBytecode",
                             "_ZN2v88internal4Heap11MarkCompactEv",
                             "_ZN2v88internal4Heap19MarkCompactEpilogueEv",
                             "_ZN2v88internal20MarkCompactCollector8TearDownEv",
                             "_ZN2v88internal17AllocationCounter26AdvanceAllocationObserversEm",
                             "_ZN2v88internal15MemoryAllocator17AllocateLargePageEPNS0_16LargeObjectSpaceEmNS0_"
                             "13ExecutabilityE"};
  for (size_t i = 0; i < std::size(functions); i++)
    if (changed.count(functions[i]) == 0) add(functions[i], STT_FUNC, kCode + i * 0x100, 0x80);
  ElfBuilder builder;
  builder.add_segment({PT_LOAD, PF_R, kAddress}, data);
  const uint32_t strings = builder.add_section(".strtab", {SHT_STRTAB}, ElfBuilder::bytes_of(names));
  builder.add_section(".symtab", {SHT_SYMTAB, 0, strings, sizeof(Elf64_Sym)}, ElfBuilder::bytes_of(symbols));
  return builder.build();
}

inline std::optional<mp::V8Image> made_v8_image(int version, const std::map<std::string, int32_t> &changed = {}) {
  const auto file = made_v8_file(version, changed);
  std::string error;
  const auto elf = mp::ElfFile::from_memory(file.data(), file.size(), &error);
  return elf ? mp::find_v8(*elf) : std::nullopt;
}

inline const mp::V8Layout &made_v8_layout(int version) {
  static const std::vector<mp::V8Layout> layouts = [] {
    std::vector<mp::V8Layout> all;
    for (int i = 0; i < kMadeV8Versions; i++) all.push_back(made_v8_image(i)->layout);
    return all;
  }();
  return layouts[version];
}

// Memory with objects of V8. Objects are given and returned as tagged words.
class MadeV8 {
 public:
  static constexpr uint64_t kBase = 0x100000;

  explicit MadeV8(int version) : layout(made_v8_layout(version)) {
    meta_map_ = allocate(kMapBytes);
    put(meta_map_, 0, meta_map_);
    put_number<uint16_t>(meta_map_, layout.map_instance_type, layout.types.map);
    undefined = object(kOddballType, 48);
  }

  // 0 up to the end of the last page; nothing is behind it.
  bool read(uint64_t address, void *to, uint64_t size_bytes) const {
    const uint64_t offset = address - kBase, end = (bytes.size() + kPageBytes - 1) / kPageBytes * kPageBytes;
    if (offset >= end || size_bytes > end - offset) return false;
    const uint64_t there = offset < bytes.size() ? std::min<uint64_t>(size_bytes, bytes.size() - offset) : 0;
    memset(to, 0, size_bytes);
    if (there > 0) memcpy(to, &bytes[offset], there);
    return true;
  }
  template <typename T>
  void put_number(uint64_t object, uint64_t offset, T value) {
    memcpy(&bytes[object - 1 - kBase + offset], &value, sizeof(value));
  }
  void put(uint64_t object, uint64_t offset, uint64_t word) { put_number(object, offset, word); }
  uint64_t get(uint64_t object, uint64_t offset) const {
    uint64_t word;
    memcpy(&word, &bytes[object - 1 - kBase + offset], sizeof(word));
    return word;
  }
  static uint64_t smi(int32_t number) { return static_cast<uint64_t>(static_cast<uint32_t>(number)) << 32; }

  uint64_t object(uint16_t type, uint64_t size_bytes) {
    const uint64_t map = map_of(type), made = allocate(size_bytes);
    put(made, 0, map);
    return made;
  }

  // ---- strings: the types of src/objects/instance-type.h ----
  static constexpr uint16_t kOneByte = 8, kNotInternalized = 32, kCons = 1, kExternal = 2, kSliced = 3, kThin = 5;

  uint64_t one_byte(const std::string &text, uint16_t type = kOneByte) {
    const uint64_t made = string(type, text.size(), layout.string_chars + text.size());
    memcpy(&bytes[made - 1 - kBase + layout.string_chars], text.data(), text.size());
    return made;
  }
  uint64_t two_byte(const std::u16string &text) {
    const uint64_t made = string(kNotInternalized, text.size(), layout.string_chars + text.size() * 2);
    memcpy(&bytes[made - 1 - kBase + layout.string_chars], text.data(), text.size() * 2);
    return made;
  }
  uint64_t cons(uint64_t first, uint64_t second, uint32_t length, uint16_t encoding = kOneByte) {
    const uint64_t made = string(kCons | encoding | kNotInternalized, length, 32);
    put(made, layout.cons_first, first);
    put(made, layout.cons_second, second);
    return made;
  }
  uint64_t sliced(uint64_t parent, int32_t offset, uint32_t length, uint16_t encoding = kOneByte) {
    const uint64_t made = string(kSliced | encoding | kNotInternalized, length, 32);
    put(made, layout.sliced_parent, parent);
    put(made, layout.sliced_offset, smi(offset));
    return made;
  }
  uint64_t thin(uint64_t actual, uint32_t length) {
    const uint64_t made = string(kThin | kOneByte | kNotInternalized, length, 24);
    put(made, layout.thin_actual, actual);
    return made;
  }
  // `chars` is the address of the characters.
  uint64_t external(uint64_t chars, uint32_t length, uint16_t type) {
    const uint64_t made = string(kExternal | type, length, 32);
    put(made, layout.external_data, chars);
    return made;
  }
  uint64_t chars_of(uint64_t sequential) const { return sequential - 1 + layout.string_chars; }

  // ---- arrays ----
  uint64_t fixed_array(const std::vector<uint64_t> &words) {
    const uint64_t made = object(layout.types.fixed_array, layout.array_elements + words.size() * 8);
    put(made, layout.array_length, smi(static_cast<int32_t>(words.size())));
    for (size_t i = 0; i < words.size(); i++) put(made, layout.array_elements + i * 8, words[i]);
    return made;
  }
  uint64_t byte_array(const std::vector<uint8_t> &content) {
    const bool is_trusted = layout.types.trusted_byte_array != mp::kNoV8Type;
    const uint64_t made = object(is_trusted ? layout.types.trusted_byte_array : layout.types.byte_array,
                                 layout.array_elements + content.size());
    put(made, layout.array_length, smi(static_cast<int32_t>(content.size())));
    for (size_t i = 0; i < content.size(); i++) put_number(made, layout.array_elements + i, content[i]);
    return made;
  }

  // ---- functions ----
  struct Scope {
    uint64_t name = 0, inferred = 0;  // 0: none
    int32_t start = 0, end = 0;
    int32_t locals = 0;
    bool is_module = false, has_class_variable = false;
  };
  uint64_t scope_info(const Scope &scope) {
    const mp::V8ScopeTypes &scopes = layout.scopes;
    const uint32_t flags = (scope.is_module ? scopes.module_scope : scopes.function_scope) |
                           (scope.has_class_variable ? 1u << 10 : 0) | (scope.name != 0 ? 1u << 12 : 0) |
                           (scope.inferred != 0 ? 1u << 14 : 0) | 1u << 22;
    std::vector<uint64_t> words = {layout.scope_flags_are_smi ? smi(static_cast<int32_t>(flags)) : flags, smi(1),
                                   smi(scope.locals)};
    if (layout.scope_positions != 0) words.insert(words.end(), {smi(scope.start), smi(scope.end)});
    if (scope.is_module && layout.scope_has_module_count) words.push_back(smi(0));
    words.resize(words.size() + (scope.locals < 75 ? scope.locals : 1), undefined);
    words.resize(words.size() + scope.locals, smi(7));
    if (scope.has_class_variable) words.push_back(smi(3));
    if (scope.name != 0) words.insert(words.end(), {scope.name, smi(2)});
    if (scope.inferred != 0) words.push_back(scope.inferred);
    if (layout.scope_positions == 0) words.insert(words.end(), {smi(scope.start), smi(scope.end)});
    words.push_back(undefined);
    const uint64_t made = object(layout.types.scope_info, 8 + words.size() * 8);
    for (size_t i = 0; i < words.size(); i++) put(made, 8 + i * 8, words[i]);
    return made;
  }
  // `line_ends`: smi(0) or undefined if V8 has not counted them.
  uint64_t script(int32_t id, uint64_t name, uint64_t source, uint64_t line_ends) {
    const uint64_t made = object(layout.types.script, 160);
    put(made, layout.script_id, smi(id));
    put(made, layout.script_name, name);
    put(made, layout.script_source, source);
    put(made, layout.script_source_url, undefined);
    put(made, layout.script_line_ends, line_ends);
    return made;
  }
  // `name` is a string or a ScopeInfo, `kind` one of enum FunctionKind.
  uint64_t shared(uint64_t name, uint64_t script, uint32_t kind = 0) {
    const uint64_t made = object(layout.types.shared_function_info, 80);
    put(made, layout.shared_name_or_scope_info, name);
    put(made, layout.shared_script, script);
    put_number(made, layout.shared_flags, kind);
    return made;
  }
  uint64_t uncompiled(uint64_t inferred, int32_t start, int32_t end) {
    const uint64_t made = object(layout.types.first_uncompiled_data, 24);
    put(made, layout.uncompiled_inferred_name, inferred);
    put_number(made, layout.uncompiled_start, start);
    put_number(made, layout.uncompiled_end, end);
    return made;
  }
  uint64_t js_function(uint64_t shared) {
    const uint64_t made = object(layout.types.last_js_function, 64);
    put(made, layout.function_shared, shared);
    return made;
  }
  uint64_t bytecode_array(int32_t length, uint64_t source_positions) {
    const uint64_t made = object(layout.types.bytecode_array, layout.bytecode_bytes + static_cast<uint64_t>(length));
    put(made, layout.bytecode_length, smi(length));
    put(made, layout.bytecode_source_positions, source_positions);
    return made;
  }

  const mp::V8Layout layout;
  std::vector<uint8_t> bytes;
  uint64_t undefined = 0;

 private:
  static constexpr uint64_t kPageBytes = 4096, kMapBytes = 80;
  static constexpr uint16_t kOddballType = 131;

  uint64_t allocate(uint64_t size_bytes) {
    const uint64_t address = kBase + bytes.size();
    bytes.resize(bytes.size() + (size_bytes + 7) / 8 * 8);
    return address + 1;
  }
  uint64_t map_of(uint16_t type) {
    const auto known = maps_.find(type);
    if (known != maps_.end()) return known->second;
    const uint64_t map = allocate(kMapBytes);
    put(map, 0, meta_map_);
    put_number(map, layout.map_instance_type, type);
    return maps_[type] = map;
  }
  uint64_t string(uint16_t type, uint64_t length, uint64_t size_bytes) {
    const uint64_t made = object(type, size_bytes);
    put_number(made, layout.string_length, static_cast<uint32_t>(length));
    return made;
  }

  uint64_t meta_map_ = 0;
  std::map<uint16_t, uint64_t> maps_;
};
