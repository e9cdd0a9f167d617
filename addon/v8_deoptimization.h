// Tables that V8's compilers write about machine code: which byte code a return address belongs to.
//
//   Sparkplug          pc -> byte code offset                     BytecodeOffsetIterator, src/baseline
//   TurboFan, Maglev   pc -> deoptimization point                 SafepointTable, src/codegen
//                      deoptimization point -> inlined frames     FrameTranslation, src/deoptimizer
//
// V8 10.2, 11.3, 12.4 and 13.6, 64-bit. Pure, and safe with any bytes: they come from the memory of a target.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace mp {

using V8Bytes = std::vector<uint8_t>;

// Bytecodes::kBytecodeSizes (src/interpreter/bytecodes.cc): bytes of a byte code and its operands, without a prefix, if
// the operands have their usual size, twice, or four times that.
struct V8ByteCodeSizes {
  std::array<std::vector<uint8_t>, 3> by_scale;  // by byte code; all of the same length
};

// What is at a pc that belongs to no byte code: the entry of the function.
constexpr uint32_t kV8FunctionEntry = 0;

// The offset, in bytes into `byte_codes`, of the byte code that the instruction in front of the return address belongs
// to; the return address is `pc_offset` bytes from the start of the instructions. nullopt if the tables don't reach it.
std::optional<uint32_t> baseline_byte_code_offset(const V8ByteCodeSizes &sizes, const V8Bytes &offset_table,
                                                  const V8Bytes &byte_codes, uint32_t pc_offset);

struct V8SafepointFormat {
  uint8_t length_offset;  // in bytes from the start of the table; the configuration follows
  uint8_t header_bytes;
  bool is_maglev;  // one byte in each entry is the number of spilled registers, and nothing follows the entries
};

// The index of the deoptimization point of a call. A code that was deoptimized while it was active returns to a
// trampoline: its pcs are known, too. nullopt if the call can't deoptimize, so that V8 knows no position of it.
std::optional<uint32_t> deoptimization_index(const V8SafepointFormat &format, const V8Bytes &table, uint32_t pc_offset);

struct V8TranslationFormat {
  std::vector<uint8_t>
      operand_counts;  // by opcode: TranslationOpcodeOperandCount, src/deoptimizer/translation-opcode.h
  // Opcodes, the first and the last one of each kind.
  std::array<uint8_t, 2> begin;
  std::array<uint8_t, 2> interpreted;
  std::array<uint8_t, 2> continuation;  // of JavaScript builtins
  bool has_matches;                     // the last opcode stands for a part of an earlier translation (from 11.3 on)
  bool has_byte_code_array;             // an operand of interpreted frames (13.6)
};

struct V8TranslatedFrame {
  bool is_interpreted;        // otherwise a builtin that V8 inlined, such as Array.prototype.map
  uint32_t byte_code_offset;  // kV8FunctionEntry of a builtin
  uint32_t function;          // index into the literals
  uint32_t byte_code_array;   // index into the protected literals, if format.has_byte_code_array
};

// The JavaScript functions that a frame of optimized code stands for, innermost first, from the translation at `index`
// in bytes. Empty if there is none, or it makes no sense.
std::vector<V8TranslatedFrame> translated_frames(const V8TranslationFormat &format, const V8Bytes &translations,
                                                 uint32_t index);

}  // namespace mp
