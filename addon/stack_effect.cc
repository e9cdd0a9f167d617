#include "stack_effect.h"

#include <cstring>

#include "../bpf/mp.h"

namespace mp {
namespace {

constexpr int32_t kMaxFrameBytes = 1 << 20;

// The constant at the end of an instruction, sign-extended.
int32_t last_constant(const uint8_t *code, size_t length_bytes, size_t constant_bytes) {
  if (constant_bytes == 1) return static_cast<int8_t>(code[length_bytes - 1]);
  int32_t constant;
  memcpy(&constant, code + length_bytes - 4, sizeof(constant));
  return constant;
}

bool begins_with(const uint8_t *code, size_t length_bytes, std::initializer_list<uint8_t> bytes) {
  if (length_bytes < bytes.size()) return false;
  size_t at = 0;
  for (const uint8_t byte : bytes)
    if (code[at++] != byte) return false;
  return true;
}

// Bytes that an instruction of the forms `add|sub $n, %rsp` and `lea n(%rsp), %rsp` adds to rsp.
std::optional<int32_t> added_to_rsp(const uint8_t *code, size_t length) {
  if (begins_with(code, length, {0x48, 0x83, 0xc4})) return last_constant(code, length, 1);
  if (begins_with(code, length, {0x48, 0x81, 0xc4})) return last_constant(code, length, 4);
  if (begins_with(code, length, {0x48, 0x83, 0xec})) return -last_constant(code, length, 1);
  if (begins_with(code, length, {0x48, 0x81, 0xec}) && last_constant(code, length, 4) != INT32_MIN)
    return -last_constant(code, length, 4);
  if (begins_with(code, length, {0x48, 0x8d, 0x64, 0x24})) return last_constant(code, length, 1);
  if (begins_with(code, length, {0x48, 0x8d, 0xa4, 0x24})) return last_constant(code, length, 4);
  return std::nullopt;
}

// rsp - rbp behind `mov %rbp, %rsp` and `lea n(%rbp), %rsp`.
std::optional<int32_t> rsp_from_rbp(const uint8_t *code, size_t length) {
  if (begins_with(code, length, {0x48, 0x89, 0xec})) return 0;
  if (begins_with(code, length, {0x48, 0x8d, 0x65})) return last_constant(code, length, 1);
  if (begins_with(code, length, {0x48, 0x8d, 0xa5})) return last_constant(code, length, 4);
  return std::nullopt;
}

bool is_push(const uint8_t *code, size_t length) {
  const uint8_t opcode = length == 2 && code[0] == 0x41 ? code[1] : code[0];
  return (opcode & 0xf8) == 0x50 || code[0] == 0x68 || code[0] == 0x6a || (code[0] == 0xff && (code[1] & 0x38) == 0x30);
}

bool is_pop(const uint8_t *code, size_t length) {
  return (code[0] & 0xf8) == 0x58 || (length == 2 && code[0] == 0x41 && (code[1] & 0xf8) == 0x58);
}

bool is_zeroing_rbp(const uint8_t *code, size_t length) {
  return begins_with(code, length, {0x31, 0xed}) || begins_with(code, length, {0x48, 0x31, 0xed});
}

void add(StackState &state, int64_t to_rsp) {
  const int64_t distance = state.cfa_from_rsp - to_rsp;
  if (distance < 8 || distance > kMaxFrameBytes) state.is_rsp_lost = true;
  if (!state.is_rsp_lost) state.cfa_from_rsp = distance;
}

void push(StackState &state, bool is_rbp) {
  add(state, -8);
  const int32_t slot = state.cfa_from_rsp / 8;
  if (!is_rbp || state.is_rbp_saved || state.is_rsp_lost || slot >= MP_RBP_AT_RBP) return;
  state.rbp_slot = slot;
  state.is_rbp_saved = true;
}

void pop(StackState &state, bool is_rbp) {
  // an epilogue may begin with rsp back at where the registers are saved
  add(state, 8);
  if (!is_rbp) return;
  state.rbp_slot = 0;
  state.is_rbp_saved = false;
  state.cfa_from_rbp.reset();
}

void set_rsp(StackState &state, int64_t from_rbp) {
  if (!state.cfa_from_rbp) {
    state.is_rsp_lost = true;
    return;
  }
  state.is_rsp_lost = false;
  state.cfa_from_rsp = 0;
  add(state, from_rbp - *state.cfa_from_rbp);
}

}  // namespace

std::optional<uint32_t> StackState::rule() const {
  if (is_outermost) return MP_RULE(MP_CFA_END, 0, 0);
  if (!is_rsp_lost) return MP_RULE(MP_CFA_RSP, rbp_slot, cfa_from_rsp);
  if (cfa_from_rbp) return MP_RULE(MP_CFA_RBP, rbp_slot, *cfa_from_rbp);
  return std::nullopt;
}

StackState stack_effect(StackState state, const Instruction &instruction, const uint8_t *code) {
  const size_t length = instruction.length_bytes;
  if (instruction.flow != Flow::kNext) return state;  // calls return with rsp as it was
  if (is_push(code, length)) {
    push(state, length == 1 && code[0] == 0x55);
  } else if (is_pop(code, length)) {
    pop(state, length == 1 && code[0] == 0x5d);
  } else if (const auto added = added_to_rsp(code, length)) {
    add(state, *added);
  } else if (const auto distance = rsp_from_rbp(code, length)) {
    set_rsp(state, *distance);
  } else if (begins_with(code, length, {0xc9})) {  // leave
    set_rsp(state, 0);
    pop(state, true);
  } else if (begins_with(code, length, {0x48, 0x89, 0xe5})) {  // mov %rsp, %rbp
    if (!state.is_rsp_lost) state.cfa_from_rbp = state.cfa_from_rsp;
  } else if (is_zeroing_rbp(code, length) && !state.is_rbp_saved) {
    state.is_outermost = true;
  } else {
    if (instruction.writes & kRsp) state.is_rsp_lost = true;
    if (instruction.writes & kRbp) state.cfa_from_rbp.reset();
  }
  return state;
}

}  // namespace mp
