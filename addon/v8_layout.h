// Where V8 keeps what is read of JavaScript frames and functions: found in the ELF file of a program with V8 inside.
//
// Offsets come from the `v8dbg_*` constants that V8 has for postmortem debuggers (tools/gen-postmortem-metadata.py);
// what these lack is in a table by V8 version in v8_layout.cc. The builds are those of node for x86-64: tagged values
// of 8 bytes, Smis of 32 bits, no sandbox.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "elf.h"

namespace mp {

// An instance type that a version does not have.
constexpr uint16_t kNoV8Type = 0xffff;

// How words are told apart: an object's address is `word - heap_object_tag`, a Smi's number `int64_t(word) >>
// smi_shift`.
struct V8Tags {
  uint8_t smi_tag_mask = 1;
  uint8_t heap_object_tag = 1;
  uint8_t heap_object_tag_mask = 3;
  uint8_t smi_shift = 32;
};

// Slots of a JavaScript frame, in bytes from the frame pointer.
struct V8FrameLayout {
  int16_t context_or_frame_type = 0;  // lowest bit 0: a frame type, and no JavaScript function's frame
  int16_t function = 0;
  int16_t bytecode_array = 0;   // of frames of the interpreter and of baseline code
  int16_t bytecode_offset = 0;  // Smi, see V8Objects::byte_code_offset; of baseline code something else
};

// Map::instance_type of what is read.
struct V8InstanceTypes {
  uint16_t map = 0;
  uint16_t first_js_function = 0, last_js_function = 0;
  uint16_t shared_function_info = 0;
  uint16_t debug_info = 0;
  uint16_t script = 0;
  uint16_t scope_info = 0;
  uint16_t first_uncompiled_data = 0, last_uncompiled_data = 0;
  uint16_t bytecode_array = 0;
  uint16_t code = 0;
  uint16_t fixed_array = 0;
  uint16_t byte_array = 0;
  uint16_t trusted_byte_array = kNoV8Type;  // from 12.4 on
};

// Scope types (enum ScopeType) whose ScopeInfo has positions.
struct V8ScopeTypes {
  uint8_t class_scope = 0, eval_scope = 0, function_scope = 0, module_scope = 0, script_scope = 0;
};

// Offsets are in bytes from the address of the object, without its tag.
struct V8Layout {
  V8Tags tags;
  V8FrameLayout frame;
  V8InstanceTypes types;
  V8ScopeTypes scopes;

  // HeapObject, Map
  uint16_t map = 0;
  uint16_t map_instance_type = 0;

  // String and its kinds
  uint16_t string_length = 0;  // int32
  uint16_t string_chars = 0;   // of SeqOneByteString, SeqTwoByteString
  uint16_t cons_first = 0, cons_second = 0;
  uint16_t sliced_parent = 0, sliced_offset = 0;
  uint16_t thin_actual = 0;
  uint16_t external_data = 0;  // the characters' address, not tagged

  // JSFunction
  uint16_t function_shared = 0;
  uint16_t function_code = 0;

  // SharedFunctionInfo
  uint16_t shared_data = 0;  // Smi (builtin), BytecodeArray, InterpreterData, Code, UncompiledData and others
  uint16_t shared_name_or_scope_info = 0;
  uint16_t shared_script = 0;  // up to 11.3 also a DebugInfo
  uint16_t shared_flags = 0;   // uint32

  // DebugInfo, up to 11.3
  uint16_t debug_info_script = 0;

  // UncompiledData
  uint16_t uncompiled_inferred_name = 0;
  uint16_t uncompiled_start = 0, uncompiled_end = 0;  // int32

  // ScopeInfo
  uint16_t scope_flags = 0;  // a Smi, uint32 in 13.6
  bool scope_flags_are_smi = false;
  uint16_t scope_local_count = 0;       // Smi
  uint16_t scope_positions = 0;         // Smis start, end; 0: they stand behind the names of locals
  bool scope_has_module_count = false;  // module scopes: one word in front of the names of locals
  uint16_t scope_locals = 0;

  // Script
  uint16_t script_source = 0;
  uint16_t script_name = 0;
  uint16_t script_line_offset = 0, script_column_offset = 0;  // Smis
  uint16_t script_line_ends = 0;
  uint16_t script_id = 0;     // Smi
  uint16_t script_flags = 0;  // Smi
  uint16_t script_source_url = 0;

  // BytecodeArray
  uint16_t bytecode_length = 0;  // Smi
  uint16_t bytecode_source_positions = 0;
  uint16_t bytecode_bytes = 0;

  // FixedArray, ByteArray
  uint16_t array_length = 0;  // Smi
  uint16_t array_elements = 0;
};

struct V8Image {
  int major = 0, minor = 0;
  std::string version;      // "11.3.244.8"
  std::string unsupported;  // why its frames can't be read, as a sentence; "": they can
  V8Layout layout;
  // ELF addresses [first, second), sorted, in which lies the byte before the return address of a frame whose slots hold
  // a BytecodeArray and an offset in it. Deoptimized frames return to the first byte of a function.
  std::vector<std::pair<uint64_t, uint64_t>> interpreted;
  // ELF addresses [first, second) of all embedded builtins. From 11.3 on a process has this part of the file mapped a
  // second time, near the code that V8 compiles, and frames have their pcs in either
  // (CodeRange::RemapEmbeddedBuiltins in src/heap/code-range.cc).
  std::pair<uint64_t, uint64_t> builtins;
  // ELF addresses of functions: one that is run before a mark-compact collection moves or frees anything, and one that
  // is run when it has moved all. 0: not found.
  uint64_t collection_begin = 0, collection_end = 0;
  // ELF address of a function that is run when a heap ends, before any of it is freed. 0: not found.
  uint64_t heap_end = 0;
  // ELF address of a function that is run before V8 forgets what was inlined into code. 0: it never does.
  uint64_t invalidation = 0;
  // ELF address of the function that is told how many bytes the thread of a V8 has allocated; of versions that do not
  // tell it of all large objects, also that of the function that allocates these. 0: not found. And where the object of
  // the first says (int32) that the bytes were the collector's, 0: it is not told of these.
  uint64_t allocation_counter = 0, large_allocation = 0;
  uint16_t counter_paused = 0;

  bool is_interpreted(uint64_t address) const;
};

// nullopt if there is no V8 in the file.
std::optional<V8Image> find_v8(const ElfFile &elf);

}  // namespace mp
