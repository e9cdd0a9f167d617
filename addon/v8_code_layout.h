// Where V8 keeps what is read of the machine code of JavaScript functions: V8 10.2, 11.3, 12.4 and 13.6, as in node for
// x86-64 (v8_layout.h).
#pragma once

#include <cstdint>
#include <optional>

#include "elf.h"
#include "v8_deoptimization.h"

namespace mp {

constexpr uint64_t kV8CodeAlignment = 64;  // of the first instruction: kCodeAlignment, src/common/globals.h

// A field that a version does not have.
constexpr uint16_t kNoV8Offset = 0xffff;

// Offsets are in bytes from the address of the object, without its tag.
struct V8CodeLayout {
  // The object that has the instructions in it: an InstructionStream; in 10.2 the Code.
  struct {
    uint16_t code, instructions;
  } stream;

  struct {
    uint16_t stream, instruction_start;
    uint16_t flags;             // uint32; the lowest four bits are the kind
    uint16_t instruction_size;  // int32; the metadata follow, and begin with the safepoints
    uint16_t metadata_size;     // int32
    uint16_t data;              // DeoptimizationData, or of baseline code a BytecodeArray or InterpreterData
    uint16_t offset_table;      // of baseline code: ByteArray
  } code;

  struct {
    uint8_t baseline, maglev, turbofan;
  } kinds;

  // Indices into DeoptimizationData, which is an array.
  struct {
    uint8_t translations, literals;
    uint8_t protected_literals;  // BytecodeArrays (13.6)
    uint8_t first_point;         // {byte code offset, index into the translations, pc} of each deoptimization point
  } deoptimization;

  V8SafepointFormat turbofan_safepoints, maglev_safepoints;
  V8TranslationFormat translations;
  V8ByteCodeSizes byte_codes;
};

// nullopt if the version is another one, or the file has no tables of byte codes and translation opcodes.
std::optional<V8CodeLayout> find_v8_code_layout(const ElfFile &elf, int major, int minor);

}  // namespace mp
