#include "x86_decode.h"

#include <algorithm>
#include <cstring>

#include "byte_reader.h"

namespace mp {
namespace {

constexpr size_t kMaxInstructionBytes = 15;

enum class Map { kOne, k0f, k0f38, k0f3a, kOther };

// An instruction taken apart, before its meaning is looked up.
struct Parts {
  bool any_prefix = false;  // legacy prefixes, REX not counted
  bool operand_16 = false;  // 66
  bool address_32 = false;  // 67
  bool rep = false;         // f3
  uint8_t rex = 0;
  bool vector = false;  // VEX or EVEX
  Map map = Map::kOne;
  uint8_t opcode = 0;
  uint8_t modrm = 0;

  bool rex_w() const { return (rex & 8) != 0; }
  unsigned reg() const { return (modrm >> 3 & 7) | (rex & 4) << 1; }
  unsigned rm() const { return (modrm & 7) | (rex & 1) << 3; }
  unsigned low_reg() const { return (opcode & 7) | (rex & 1) << 3; }
  unsigned extension() const { return modrm >> 3 & 7; }
  bool memory() const { return modrm < 0xc0; }
};

bool in(uint8_t value, uint8_t first, uint8_t last) {
  return value >= first && value <= last;
}

template <class... Values>
bool any_of(uint8_t value, Values... values) {
  return ((value == values) || ...);
}

uint16_t bit(unsigned number) {
  return static_cast<uint16_t>(1u << number);
}

bool take_prefixes(ByteReader *reader, Parts *parts) {
  for (;;) {
    auto byte = reader->read<uint8_t>();
    if (!reader->ok()) return false;
    if (any_of(byte, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3)) {
      parts->any_prefix = true;
      parts->operand_16 |= byte == 0x66;
      parts->address_32 |= byte == 0x67;
      parts->rep |= byte == 0xf3;
      continue;
    }
    if ((byte & 0xf0) == 0x40) {
      parts->rex = byte;
      byte = reader->read<uint8_t>();
    }
    parts->opcode = byte;
    return reader->ok();
  }
}

// C5, C4 (VEX) and 62 (EVEX) carry the map in their second byte; C5 means map 0f.
bool take_vector_opcode(ByteReader *reader, Parts *parts) {
  uint8_t kind = parts->opcode;
  auto first = reader->read<uint8_t>();
  unsigned map = kind == 0xc5 ? 1 : first & (kind == 0xc4 ? 0x1f : 0x07);
  if (kind != 0xc5) reader->read<uint8_t>();
  if (kind == 0x62) reader->read<uint8_t>();
  parts->vector = true;
  parts->map = map == 1 ? Map::k0f : map == 2 ? Map::k0f38 : map == 3 ? Map::k0f3a : Map::kOther;
  parts->opcode = reader->read<uint8_t>();
  return reader->ok() && parts->map != Map::kOther && parts->rex == 0;
}

bool take_opcode(ByteReader *reader, Parts *parts) {
  if (any_of(parts->opcode, 0xc4, 0xc5, 0x62)) return take_vector_opcode(reader, parts);
  if (parts->opcode != 0x0f) return true;
  parts->opcode = reader->read<uint8_t>();
  parts->map = Map::k0f;
  if (any_of(parts->opcode, 0x38, 0x3a)) {
    parts->map = parts->opcode == 0x38 ? Map::k0f38 : Map::k0f3a;
    parts->opcode = reader->read<uint8_t>();
  }
  return reader->ok();
}

// What user code has no use for (I/O, far calls, privileged), what 64-bit mode does not have, what nobody compiles.
bool known(const Parts &parts) {
  uint8_t op = parts.opcode;
  if (parts.vector || parts.map == Map::k0f38 || parts.map == Map::k0f3a) return true;
  if (parts.map == Map::kOne) {
    if (op < 0x40) return (op & 7) < 6;
    return !in(op, 0x40, 0x4f) && !in(op, 0x60, 0x62) && !in(op, 0x64, 0x67) && !in(op, 0x6c, 0x6f) &&
           !in(op, 0xca, 0xcb) && !in(op, 0xcd, 0xcf) && !in(op, 0xd4, 0xd7) && !in(op, 0xe4, 0xe7) &&
           !in(op, 0xea, 0xea) && !in(op, 0xec, 0xf3) && !in(op, 0xfa, 0xfb) &&
           !any_of(op, 0x82, 0x9a, 0xc4, 0xc5, 0xc8);
  }
  if (op < 0x40) return any_of(op, 0x01, 0x05, 0x0b, 0x0d, 0x31) || in(op, 0x10, 0x1f) || in(op, 0x28, 0x2f);
  return !any_of(op, 0x78, 0x79, 0x7a, 0x7b, 0xa6, 0xa7, 0xaa, 0xb9, 0xff);
}

bool has_modrm(const Parts &parts) {
  uint8_t op = parts.opcode;
  if (parts.map == Map::kOne) {
    if (op < 0x40) return (op & 7) < 4;
    return any_of(op, 0x63, 0x69, 0x6b, 0xc0, 0xc1, 0xc6, 0xc7, 0xf6, 0xf7, 0xfe, 0xff) || in(op, 0x80, 0x8f) ||
           in(op, 0xd0, 0xd3) || in(op, 0xd8, 0xdf);
  }
  if (parts.map != Map::k0f) return true;
  if (parts.vector) return op != 0x77;
  return !any_of(op, 0x05, 0x0b, 0x31, 0x77, 0xa0, 0xa1, 0xa2, 0xa8, 0xa9) && !in(op, 0x80, 0x8f) &&
         !in(op, 0xc8, 0xcf);
}

bool take_modrm(ByteReader *reader, Parts *parts) {
  parts->modrm = reader->read<uint8_t>();
  unsigned mode = parts->modrm >> 6;
  unsigned base = parts->modrm & 7;
  if (mode == 3) return reader->ok();
  bool sib = base == 4;
  if (sib) base = reader->read<uint8_t>() & 7;
  // mode 0, base 5: rip + disp32 without SIB, disp32 alone with it
  bool displacement_32 = mode == 2 || (mode == 0 && base == 5);
  reader->take(displacement_32 ? 4 : mode == 1 ? 1 : 0);
  return reader->ok();
}

// 8f /1-7 are XOP, which has a format of its own; c6 /7, c7 /7 are xabort, xbegin; the rest of these does not exist.
bool known_extension(const Parts &parts) {
  if (parts.map != Map::kOne || parts.vector) return true;
  if (any_of(parts.opcode, 0x8f, 0xc6, 0xc7)) return parts.extension() == 0;
  if (parts.opcode == 0xfe) return parts.extension() < 2;
  return parts.opcode != 0xff || any_of(static_cast<uint8_t>(parts.extension()), 0, 1, 2, 4, 6);
}

size_t immediate_bytes(const Parts &parts) {
  uint8_t op = parts.opcode;
  size_t full = parts.operand_16 ? 2 : 4;
  if (parts.map == Map::k0f3a) return 1;
  if (parts.map == Map::k0f38) return 0;
  if (parts.map == Map::k0f) {
    if (!parts.vector && in(op, 0x80, 0x8f)) return 4;
    bool byte = in(op, 0x70, 0x73) || any_of(op, 0xc2, 0xc4, 0xc5, 0xc6);
    return byte || (!parts.vector && any_of(op, 0xa4, 0xac, 0xba)) ? 1 : 0;
  }
  if (op < 0x40) return (op & 7) == 4 ? 1 : (op & 7) == 5 ? full : 0;
  if (in(op, 0xa0, 0xa3)) return parts.address_32 ? 4 : 8;
  if (in(op, 0xb8, 0xbf)) return parts.rex_w() ? 8 : full;
  if (any_of(op, 0xe8, 0xe9)) return 4;
  if (op == 0xc2) return 2;
  if (any_of(op, 0xf6, 0xf7)) return parts.extension() > 1 ? 0 : op == 0xf6 ? 1 : full;
  if (any_of(op, 0x68, 0x69, 0x81, 0xa9, 0xc7)) return full;
  bool byte = any_of(op, 0x6a, 0x6b, 0x80, 0x83, 0xa8, 0xc0, 0xc1, 0xc6, 0xeb) || in(op, 0x70, 0x7f) ||
              in(op, 0xb0, 0xb7) || in(op, 0xe0, 0xe3);
  return byte ? 1 : 0;
}

// The register operands of byte instructions are ah, ch, dh, bh for 4-7 without REX: parts of registers 0-3.
uint16_t register_operand(unsigned number) {
  return static_cast<uint16_t>(bit(number) | (in(static_cast<uint8_t>(number), 4, 7) ? bit(number - 4) : 0));
}

uint16_t writes_of_one_byte(const Parts &parts) {
  uint8_t op = parts.opcode;
  bool byte = (op & 1) == 0 && parts.rex == 0;
  uint16_t reg = byte ? register_operand(parts.reg()) : bit(parts.reg());
  uint16_t rm = parts.memory() ? 0 : byte ? register_operand(parts.rm()) : bit(parts.rm());
  uint16_t low = in(op, 0xb0, 0xb7) && parts.rex == 0 ? register_operand(parts.low_reg()) : bit(parts.low_reg());
  if (op < 0x38) return (op & 7) < 2 ? rm : (op & 7) < 4 ? bit(parts.reg()) | reg : kRax;
  if (op < 0x40 || in(op, 0x70, 0x7f) || any_of(op, 0x84, 0x85, 0x9b, 0x9e, 0xa2, 0xa3, 0xa8, 0xa9)) return 0;
  if (any_of(op, 0xf5, 0xf8, 0xf9, 0xfc, 0xfd, 0xe9, 0xeb, 0xcc, 0xf4)) return 0;
  if (in(op, 0x50, 0x57) || any_of(op, 0x68, 0x6a, 0x9c, 0x9d, 0xc2, 0xc3)) return kRsp;
  if (in(op, 0x58, 0x5f)) return low | kRsp;
  if (in(op, 0x80, 0x83)) return parts.extension() == 7 ? 0 : rm;
  if (any_of(op, 0x88, 0x89, 0xc0, 0xc1, 0xc6, 0xc7) || in(op, 0xd0, 0xd3)) return rm;
  if (any_of(op, 0x63, 0x69, 0x6b, 0x8a, 0x8b, 0x8d)) return reg | bit(parts.reg());
  if (any_of(op, 0x86, 0x87)) return reg | rm;
  if (op == 0x8f) return rm | kRsp;
  if (op == 0x90 && (parts.rex & 1) == 0) return 0;
  if (in(op, 0x90, 0x97)) return kRax | low;
  if (any_of(op, 0x98, 0x9f, 0xa0, 0xa1) || in(op, 0xd8, 0xdf)) return kRax;
  if (op == 0x99) return kRdx;
  if (in(op, 0xa4, 0xa7) || in(op, 0xaa, 0xaf)) return kRax | kRcx | kRsi | kRdi;
  if (in(op, 0xb0, 0xbf)) return low;
  if (op == 0xc9) return kRsp | kRbp;
  if (in(op, 0xe0, 0xe3)) return kRcx;
  if (any_of(op, 0xf6, 0xf7)) return parts.extension() < 2 ? 0 : parts.extension() < 4 ? rm : kRax | kRdx;
  if (any_of(op, 0xfe, 0xff) && parts.extension() < 2) return rm;
  if (op == 0xff && parts.extension() == 4) return 0;
  if (op == 0xff && parts.extension() == 6) return kRsp;
  return kAllRegisters;
}

uint16_t writes_of_0f(const Parts &parts) {
  uint8_t op = parts.opcode;
  uint16_t reg = bit(parts.reg());
  uint16_t rm = parts.memory() ? 0 : bit(parts.rm());
  if (op == 0x05) return kRax | kRcx | kR11;
  if (any_of(op, 0x0b, 0x0d) || in(op, 0x80, 0x8f)) return 0;
  // f3 0f 1e: endbr64 (register form /7), but also rdsspq, which writes its operand (/1)
  if (in(op, 0x18, 0x1f)) return op == 0x1e && parts.rep && parts.extension() == 1 ? rm : 0;
  if (op == 0x31) return kRax | kRdx;
  if (in(op, 0x40, 0x4f) || any_of(op, 0x2c, 0x2d, 0x50, 0xaf, 0xb8, 0xbc, 0xbd, 0xc5, 0xd7)) return reg;
  if (any_of(op, 0xb6, 0xb7, 0xbe, 0xbf)) return reg;
  if (op == 0x7e) return rm;
  if (in(op, 0x90, 0x9f)) return parts.rex == 0 && !parts.memory() ? register_operand(parts.rm()) : rm;
  if (any_of(op, 0xa0, 0xa1, 0xa8, 0xa9)) return kRsp;
  if (op == 0xa2) return kRax | kRbx | kRcx | kRdx;
  if (op == 0xa3) return 0;
  if (op == 0xba) return parts.extension() == 4 ? 0 : rm;
  if (any_of(op, 0xa4, 0xa5, 0xab, 0xac, 0xad, 0xae, 0xb3, 0xbb)) return rm;
  bool vector_only = in(op, 0x10, 0x17) || in(op, 0x28, 0x2f) || in(op, 0x51, 0x77) || in(op, 0x7c, 0x7f) ||
                     any_of(op, 0xc2, 0xc3, 0xc4, 0xc6) || in(op, 0xd0, 0xfe);
  if (vector_only) return 0;
  if (in(op, 0xc8, 0xcf)) return bit(parts.low_reg());
  return kAllRegisters;
}

Flow flow_of(const Parts &parts) {
  uint8_t op = parts.opcode;
  if (parts.vector) return Flow::kNext;
  if (parts.map == Map::k0f) {
    if (in(op, 0x80, 0x8f)) return Flow::kConditional;
    return op == 0x05 ? Flow::kSyscall : op == 0x0b ? Flow::kEnd : Flow::kNext;
  }
  if (parts.map != Map::kOne) return Flow::kNext;
  if (in(op, 0x70, 0x7f) || in(op, 0xe0, 0xe3)) return Flow::kConditional;
  if (any_of(op, 0xe9, 0xeb)) return Flow::kJump;
  if (op == 0xe8 || (op == 0xff && parts.extension() == 2)) return Flow::kCall;
  if (any_of(op, 0xc2, 0xc3, 0xcc, 0xf4)) return Flow::kEnd;
  return op == 0xff && parts.extension() == 4 ? Flow::kEnd : Flow::kNext;
}

// arch/x86/kernel/uprobes.c, branch_setup_xol_ops() and push_setup_xol_ops(). Left out, although the kernel may emulate
// them: all with a legacy prefix (66 makes it refuse a branch) and nops other than the recommended ones. Those of more
// than one byte are emulated since 2025 ("uprobes/x86: Add support to emulate nop instructions").
bool is_emulated(const Parts &parts, const uint8_t *code, size_t length_bytes) {
  static const char *const nops[] = {"\x0f\x1f\x00", "\x0f\x1f\x40\x00", "\x0f\x1f\x44\x00\x00",
                                     "\x0f\x1f\x80\x00\x00\x00\x00", "\x0f\x1f\x84\x00\x00\x00\x00\x00"};
  static const size_t nop_bytes[] = {3, 4, 5, 7, 8};
  if (parts.any_prefix || parts.vector) return false;
  uint8_t op = parts.opcode;
  if (parts.map == Map::kOne && in(op, 0x50, 0x57)) return parts.rex == 0 || parts.rex == 0x41;
  if (parts.rex != 0) return false;
  if (parts.map == Map::kOne) return in(op, 0x70, 0x7f) || any_of(op, 0x90, 0xe8, 0xe9, 0xeb);
  if (parts.map != Map::k0f) return false;
  if (in(op, 0x80, 0x8f)) return true;
  for (size_t i = 0; op == 0x1f && i < 5; i++) {
    if (length_bytes == nop_bytes[i] && memcmp(code, nops[i], length_bytes) == 0) return true;
  }
  return false;
}

}  // namespace

std::optional<Instruction> decode_instruction(const uint8_t *code, size_t size_bytes) {
  ByteReader reader(code, std::min(size_bytes, kMaxInstructionBytes));
  Parts parts;
  if (!take_prefixes(&reader, &parts) || !take_opcode(&reader, &parts) || !known(parts)) return std::nullopt;
  if (has_modrm(parts) && !(take_modrm(&reader, &parts) && known_extension(parts))) return std::nullopt;
  Flow flow = flow_of(parts);
  size_t immediate = immediate_bytes(parts);
  bool relative = flow == Flow::kConditional || flow == Flow::kJump || (flow == Flow::kCall && immediate > 0);
  // Processors disagree on the length of a branch with an operand size prefix.
  if (relative && parts.operand_16) return std::nullopt;

  std::optional<int32_t> branch;
  if (relative) {
    branch = immediate == 1 ? reader.read<int8_t>() : reader.read<int32_t>();
  } else {
    reader.take(immediate);
  }
  if (!reader.ok()) return std::nullopt;
  uint16_t writes = kAllRegisters;
  if (!parts.vector && parts.map == Map::kOne) writes = writes_of_one_byte(parts);
  if (!parts.vector && parts.map == Map::k0f) writes = writes_of_0f(parts);
  auto length_bytes = static_cast<uint32_t>(reader.position());
  return Instruction{length_bytes, flow, branch, writes, is_emulated(parts, code, length_bytes)};
}

}  // namespace mp
