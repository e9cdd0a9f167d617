#include "v8_code.h"

#include <array>

namespace mp {
namespace {

// An address in user space, of a word, with the tag of an object: what instructions are next to never.
bool may_be_object(uint64_t word) {
  return word % sizeof(uint64_t) == 1 && word >> 47 == 0;
}

}  // namespace

// What a field refers to, strongly or weakly; nullopt if it is a Smi, or the object can't be read. A weak reference has
// a bit more in its tag (src/objects/tagged-impl.h).
std::optional<uint64_t> V8CodeReader::object_field(uint64_t object, uint64_t offset) {
  const V8Tags &tags = memory_.layout().tags;
  const auto word = memory_.word(object, offset);
  if (!word || (*word & tags.heap_object_tag) == 0) return std::nullopt;
  return (*word & ~uint64_t{tags.heap_object_tag_mask}) | tags.heap_object_tag;
}

std::optional<uint64_t> V8CodeReader::element(uint64_t array, uint64_t index) {
  const auto length = memory_.smi(array, memory_.layout().array_length);
  if (!length || *length < 0 || index >= static_cast<uint64_t>(*length)) return std::nullopt;
  return memory_.layout().array_elements + index * sizeof(uint64_t);
}

std::optional<uint64_t> V8CodeReader::object_element(uint64_t array, uint64_t index) {
  const auto offset = element(array, index);
  return offset ? object_field(array, *offset) : std::nullopt;
}

// Of a ByteArray or BytecodeArray.
std::optional<V8Bytes> V8CodeReader::bytes(uint64_t array, uint16_t bytes_offset) {
  const auto length = memory_.smi(array, memory_.layout().array_length);
  const auto at = memory_.address(array, bytes_offset);
  if (!length || *length < 0 || static_cast<uint32_t>(*length) > kMaxCodeBytes || !at) return std::nullopt;
  V8Bytes bytes(*length);
  if (!memory_.read_bytes(*at, bytes.data(), bytes.size())) return std::nullopt;
  return bytes;
}

// ---- Functions ----

// `data` is a BytecodeArray, an InterpreterData {map, bytecode_array, ...} (src/objects/shared-function-info.tq), which
// functions have that are profiled, or something else.
uint64_t V8CodeReader::byte_code_array_of(uint64_t data) {
  const uint16_t type = memory_.layout().types.bytecode_array;
  if (memory_.is(data, type)) return data;
  const auto field = object_field(data, sizeof(uint64_t));
  return field && memory_.is(*field, type) ? *field : 0;
}

// SharedFunctionInfo::GetBytecodeArray (src/objects/shared-function-info-inl.h): the data of a function that has
// baseline code is that.
uint64_t V8CodeReader::byte_code_array(uint64_t shared) {
  auto data = object_field(shared, memory_.layout().shared_data);
  if (data && memory_.is(*data, memory_.layout().types.code)) data = object_field(*data, layout_.code.data);
  return data ? byte_code_array_of(*data) : 0;
}

// ---- Code ----

// The Code that says that its instructions are in `stream`; nullopt if there is none.
std::optional<uint64_t> V8CodeReader::code_of_stream(uint64_t stream) {
  const uint16_t type = memory_.layout().types.code;
  if (layout_.stream.code == kNoV8Offset) return memory_.is(stream, type) ? std::optional(stream) : std::nullopt;
  const auto code = object_field(stream, layout_.stream.code);
  if (!code || object_field(*code, layout_.code.stream) != stream || !memory_.is(*code, type)) return std::nullopt;
  const auto start = memory_.number<uint64_t>(*code, layout_.code.instruction_start);
  return start && start == memory_.address(stream, layout_.stream.instructions) ? code : std::nullopt;
}

std::optional<V8CodeReader::Code> V8CodeReader::code_at(uint64_t start) {
  const uint64_t stream = start - layout_.stream.instructions + memory_.layout().tags.heap_object_tag;
  const auto code = code_of_stream(stream);
  if (!code) return std::nullopt;
  const auto flags = memory_.number<uint32_t>(*code, layout_.code.flags);
  const auto instruction_size = memory_.number<uint32_t>(*code, layout_.code.instruction_size);
  const auto metadata_size = memory_.number<uint32_t>(*code, layout_.code.metadata_size);
  if (!flags || !instruction_size || !metadata_size) return std::nullopt;
  if (*instruction_size > kMaxCodeBytes || *metadata_size > kMaxCodeBytes) return std::nullopt;
  return Code{*code, start, *instruction_size, *metadata_size, static_cast<uint8_t>(*flags & 15)};
}

// V8 knows where on a page objects begin (Heap::GcSafeFindCodeForInnerPointer, src/heap/heap.cc). Here every address is
// tried that can be the first instruction of a Code, from `pc` downwards: a Code and the object with its instructions
// refer to each other. References from the function are no help, as it may have other code by now than its frames have.
std::optional<V8CodeReader::Code> V8CodeReader::find_code(uint64_t pc) {
  const uint64_t nearest = ((pc - 1) & ~(kV8CodeAlignment - 1)) - layout_.stream.instructions;
  const uint64_t end = nearest > kMaxCodeBytes ? nearest - kMaxCodeBytes : 0;
  std::array<uint64_t, V8Memory::kPageBytes / sizeof(uint64_t)> page;
  uint64_t page_address = UINT64_MAX;
  for (uint64_t stream = nearest; stream > end; stream -= kV8CodeAlignment) {
    const uint64_t offset = stream % V8Memory::kPageBytes;
    if (stream - offset != page_address) {
      page_address = stream - offset;
      if (!memory_.read_bytes(page_address, page.data(), sizeof(page))) return std::nullopt;
    }
    const uint64_t *words = &page[offset / sizeof(uint64_t)];
    if (!may_be_object(words[0]) || !may_be_object(words[1])) continue;
    const auto code = code_at(stream + layout_.stream.instructions);
    if (code) return pc - code->start <= code->instruction_size ? code : std::nullopt;
  }
  return std::nullopt;
}

// BaselineFrame::GetBytecodeOffset (src/execution/frames.cc).
std::vector<V8Activation> V8CodeReader::baseline(const Code &code, uint64_t shared, uint32_t pc_offset) {
  const auto data = object_field(code.object, layout_.code.data);
  const auto table = object_field(code.object, layout_.code.offset_table);
  const uint64_t array = data ? byte_code_array_of(*data) : 0;
  if (shared == 0 || array == 0 || !table) return {};
  const auto offsets = bytes(*table, memory_.layout().array_elements);
  const auto byte_codes = bytes(array, memory_.layout().bytecode_bytes);
  if (!offsets || !byte_codes) return {};
  const auto offset = baseline_byte_code_offset(layout_.byte_codes, *offsets, *byte_codes, pc_offset);
  if (!offset) return {};
  return {{shared, array, *offset}};
}

// OptimizedFrame::Summarize, OptimizedFrame::GetDeoptimizationData (src/execution/frames.cc).
std::vector<V8Activation> V8CodeReader::optimized(const Code &code, uint32_t pc_offset) {
  V8Bytes metadata(code.metadata_size);
  if (!memory_.read_bytes(code.start + code.instruction_size, metadata.data(), metadata.size())) return {};
  const bool is_maglev = code.kind == layout_.kinds.maglev;
  const auto point =
      deoptimization_index(is_maglev ? layout_.maglev_safepoints : layout_.turbofan_safepoints, metadata, pc_offset);
  const auto data = object_field(code.object, layout_.code.data);
  if (!point || !data) return {};

  constexpr uint64_t kPointWords = 3, kTranslationWord = 1;
  const auto index_at = element(*data, layout_.deoptimization.first_point + *point * kPointWords + kTranslationWord);
  const auto index = index_at ? memory_.smi(*data, *index_at) : std::nullopt;
  const auto array = object_element(*data, layout_.deoptimization.translations);
  const auto translations = array ? bytes(*array, memory_.layout().array_elements) : std::nullopt;
  const auto literals = object_element(*data, layout_.deoptimization.literals);
  if (!index || *index < 0 || !translations || !literals) return {};

  std::vector<V8Activation> activations;
  for (const V8TranslatedFrame &frame : translated_frames(layout_.translations, *translations, *index)) {
    const auto shared = object_element(*literals, frame.function);
    if (!shared || !memory_.is(*shared, memory_.layout().types.shared_function_info)) return {};
    if (!frame.is_interpreted) {
      activations.push_back({*shared, 0, kUnknownV8Offset});
      continue;
    }
    uint64_t byte_codes = 0;
    if (layout_.translations.has_byte_code_array) {
      const auto array_literals = object_element(*data, layout_.deoptimization.protected_literals);
      if (array_literals) byte_codes = object_element(*array_literals, frame.byte_code_array).value_or(0);
    }
    if (!memory_.is(byte_codes, memory_.layout().types.bytecode_array)) byte_codes = byte_code_array(*shared);
    activations.push_back({*shared, byte_codes, frame.byte_code_offset});
  }
  return activations;
}

V8Activations V8CodeReader::activations(uint64_t function, uint64_t pc, uint64_t shared) {
  if (shared == 0) shared = object_field(function, memory_.layout().function_shared).value_or(0);
  if (!memory_.is(shared, memory_.layout().types.shared_function_info)) shared = 0;

  V8Activations result;
  if (const auto code = find_code(pc)) {
    const auto pc_offset = static_cast<uint32_t>(pc - code->start);
    if (code->kind == layout_.kinds.baseline) {
      result = {V8CodeKind::kBaseline, baseline(*code, shared, pc_offset)};
    } else if (code->kind == layout_.kinds.maglev || code->kind == layout_.kinds.turbofan) {
      const bool is_maglev = code->kind == layout_.kinds.maglev;
      result = {is_maglev ? V8CodeKind::kMaglev : V8CodeKind::kTurbofan, optimized(*code, pc_offset)};
      // The frame is its function's.
      if (shared != 0 && !result.activations.empty() && result.activations.back().shared != shared)
        result.activations.clear();
    }
  }
  if (result.activations.empty() && shared != 0)
    result.activations = {{shared, byte_code_array(shared), kUnknownV8Offset}};
  return result;
}

}  // namespace mp
