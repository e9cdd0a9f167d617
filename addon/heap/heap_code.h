// The frames of objects: PyFrameObject, and of generators; their code says how many values they hold.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "heap_types.h"

namespace mp {

struct FrameCode {
  uint64_t frame;       // where f_localsplus is counted from
  uint64_t code;        // address of the code object
  uint64_t locals;      // with cells and free variables
  uint64_t stack_size;  // the most that the code needs
};

// nullopt if the frame can't be read, or has no code that makes sense. A generator up to 3.10 has none of its own.
inline std::optional<FrameCode> frame_code(const HeapLayout &layout, HeapMemory &memory, uint64_t object,
                                           ObjectKind kind) {
  constexpr uint64_t kMaxValues = 1 << 24;
  std::optional<uint64_t> frame = object, code;
  if (layout.minor <= 10) {
    code = memory.read<uint64_t>(object + 32);  // f_code
  } else {
    // gi_iframe, f_frame; f_code, from 3.13 f_executable
    frame = kind == ObjectKind::kGenerator ? object + layout.generator_frame : memory.read<uint64_t>(object + 24);
    if (frame) code = memory.read<uint64_t>(*frame + (layout.minor == 11 ? 32 : 0));
  }
  if (!frame || !code) return std::nullopt;
  const auto locals = memory.read<uint32_t>(*code + layout.code_locals);
  const auto stack_size = memory.read<uint32_t>(*code + layout.code_stack_size);
  if (!locals || !stack_size) return std::nullopt;
  FrameCode result{*frame, *code, *locals, *stack_size};
  if (layout.minor <= 10) {  // co_freevars, co_cellvars: tuples
    const auto names = memory.read<std::array<uint64_t, 2>>(*code + 80);
    if (!names) return std::nullopt;
    for (const uint64_t tuple : *names) {
      const auto count = memory.read<uint64_t>(tuple + kObjectSize);
      if (!count || *count > kMaxValues) return std::nullopt;
      result.locals += *count;
    }
  }
  if (result.locals > kMaxValues || result.stack_size > kMaxValues) return std::nullopt;
  return result;
}

}  // namespace mp
