// Lengths, control flow and register effects of x86-64 instructions: as much as the choice of a probe site needs.
//
//   48 85 ff            test rdi, rdi      3 bytes, kNext, writes nothing, not emulated
//   0f 84 bf 00 00 00   je +0xbf           6 bytes, kConditional, branch 0xbf, emulated
//   41 54               push r12           2 bytes, kNext, writes rsp, emulated
//
// What is unknown is not guessed: an opcode outside the tables is not decoded, an instruction whose effects are not
// listed (VEX, EVEX, 0f 38, 0f 3a) counts as writing every register.
// Opcode maps: Intel SDM volume 2, appendix A.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace mp {

enum class Flow {
  kNext,
  kConditional,
  kJump,
  kCall,
  kSyscall,
  kEnd,  // return, indirect jump, trap: nothing is known about what is executed next
};

// Sets of general registers: bit n is the register with number n.
enum RegisterSet : uint16_t {
  kRax = 1 << 0,
  kRcx = 1 << 1,
  kRdx = 1 << 2,
  kRbx = 1 << 3,
  kRsp = 1 << 4,
  kRbp = 1 << 5,
  kRsi = 1 << 6,
  kRdi = 1 << 7,
  kR8 = 1 << 8,
  kR10 = 1 << 10,
  kR11 = 1 << 11,
  kAllRegisters = 0xffff,
};

struct Instruction {
  uint32_t length_bytes;
  Flow flow;
  // kConditional, kJump, kCall: from the end of the instruction to where it goes; nullopt for an indirect call.
  std::optional<int32_t> branch;
  uint16_t writes;  // RegisterSet that it may change
  bool emulated;    // a uprobe on it costs no single step
};

// The instruction at `code`; nullopt if it is not known or does not lie within `size_bytes`.
std::optional<Instruction> decode_instruction(const uint8_t *code, size_t size_bytes);

}  // namespace mp
