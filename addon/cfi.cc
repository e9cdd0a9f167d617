#include "cfi.h"

#include <cstring>
#include <vector>

namespace mp {
namespace {

// x86-64 psABI, figure 3.36
constexpr uint64_t kDwarfRbp = 6;
constexpr uint64_t kDwarfRsp = 7;

// Compilers nest remember_state once or twice.
constexpr size_t kMaxRememberedStates = 64;

enum Opcode : uint8_t {
  kNop = 0x00,
  kSetLoc = 0x01,
  kAdvanceLoc1 = 0x02,
  kAdvanceLoc2 = 0x03,
  kAdvanceLoc4 = 0x04,
  kOffsetExtended = 0x05,
  kRestoreExtended = 0x06,
  kUndefined = 0x07,
  kSameValue = 0x08,
  kRegister = 0x09,
  kRememberState = 0x0a,
  kRestoreState = 0x0b,
  kDefCfa = 0x0c,
  kDefCfaRegister = 0x0d,
  kDefCfaOffset = 0x0e,
  kDefCfaExpression = 0x0f,
  kExpression = 0x10,
  kOffsetExtendedSf = 0x11,
  kDefCfaSf = 0x12,
  kDefCfaOffsetSf = 0x13,
  kValOffset = 0x14,
  kValOffsetSf = 0x15,
  kValExpression = 0x16,
  kGnuArgsSize = 0x2e,
  kGnuNegativeOffsetExtended = 0x2f,
  // The operand is in the low six bits of these.
  kAdvanceLoc = 0x40,
  kOffset = 0x80,
  kRestore = 0xc0,
};

enum Expression : uint8_t { kOpDeref = 0x06, kOpBregRbp = 0x76, kOpBregRsp = 0x77 };

int64_t scale(uint64_t factor, int64_t alignment) {
  return static_cast<int64_t>(factor * static_cast<uint64_t>(alignment));
}

// What linkers write for the .plt section: CFA = rsp + 8 + ((rip & 15) >= N ? 8 : 0), N being where the push of an
// entry ends: 11, or less with `endbr64` or `bnd` (binutils, bfd/elf64-x86-64.c, elf_x86_64_eh_frame_lazy_plt).
bool is_plt_expression(const uint8_t *code, size_t size_bytes) {
  static const uint8_t before[] = {kOpBregRsp, 8, 0x80, 0, 0x3f, 0x1a};  // breg7 8, breg16 0, lit15, and
  static const uint8_t after[] = {0x2a, 0x33, 0x24, 0x22};               // ge, lit3, shl, plus
  if (size_bytes != sizeof(before) + 1 + sizeof(after)) return false;
  uint8_t literal = code[sizeof(before)];
  return memcmp(code, before, sizeof(before)) == 0 && literal >= 0x39 && literal <= 0x3b &&
         memcmp(code + sizeof(before) + 1, after, sizeof(after)) == 0;
}

void set_cfa_expression(ByteReader expression, CfiState *state) {
  state->cfa = CfiState::Cfa::kUnsupported;
  if (is_plt_expression(expression.data(), expression.remaining())) {
    state->cfa = CfiState::Cfa::kPlt;
    return;
  }
  if (expression.read<uint8_t>() != kOpBregRbp) return;
  int64_t offset = expression.sleb();
  if (expression.read<uint8_t>() != kOpDeref || !expression.ok() || !expression.at_end()) return;
  state->cfa = CfiState::Cfa::kDeref;
  state->cfa_offset = offset;
}

bool is_at_rbp(ByteReader expression) {
  bool breg = expression.read<uint8_t>() == kOpBregRbp;
  int64_t offset = expression.sleb();
  return breg && offset == 0 && expression.ok() && expression.at_end();
}

// The 7 bits of a row for rbp.
uint32_t encode_rbp(const CfiState &state) {
  switch (state.rbp) {
    case CfiState::Rbp::kSame:
      return 0;
    case CfiState::Rbp::kAtRbp:
      return MP_RBP_AT_RBP;
    case CfiState::Rbp::kLost:
      return MP_RBP_LOST;
    case CfiState::Rbp::kAtOffset:
      break;
  }
  bool fits = state.rbp_offset < 0 && state.rbp_offset % 8 == 0 && state.rbp_offset > -8 * MP_RBP_AT_RBP;
  if (!fits) return MP_RBP_LOST;
  return static_cast<uint32_t>(-state.rbp_offset / 8);
}

bool fits_row(int64_t offset) {
  return offset >= -(1 << 21) && offset < (1 << 21);
}

uint32_t encode_cfa(const CfiState &state) {
  uint32_t kind = MP_CFA_NONE;
  int64_t offset = state.cfa_offset;
  switch (state.cfa) {
    case CfiState::Cfa::kPlt:
      kind = MP_CFA_PLT;
      offset = 0;
      break;
    case CfiState::Cfa::kDeref:
      kind = MP_CFA_DEREF;
      break;
    case CfiState::Cfa::kRegister:
      if (state.cfa_register == kDwarfRsp) kind = MP_CFA_RSP;
      if (state.cfa_register == kDwarfRbp) kind = MP_CFA_RBP;
      break;
    case CfiState::Cfa::kUnsupported:
      break;
  }
  if (kind == MP_CFA_NONE || !fits_row(offset)) return MP_CFA_NONE;
  return MP_RULE(kind, encode_rbp(state), offset);
}

// The rule of a row.
uint32_t encode_rule(const CfiState &state, bool signal_frame) {
  // glibc describes a signal frame by an expression that finds every register in the rt_sigframe at rsp.
  if (signal_frame && state.cfa == CfiState::Cfa::kUnsupported) return MP_CFA_SIGNAL;
  if (state.return_address == CfiState::ReturnAddress::kUndefined) return MP_CFA_END;
  uint32_t rule = MP_CFA_NONE;
  if (state.return_address == CfiState::ReturnAddress::kBelowCfa) rule = encode_cfa(state);
  return rule;
}

class Machine {
 public:
  Machine(ByteReader instructions, const CfiContext &context, const CfiRange &range, CfiState *state, CfiRows *out)
      : reader_(instructions), context_(context), range_(range), state_(state), out_(out), pc_(range.start) {}

  bool run() {
    while (!reader_.at_end() && pc_ < range_.end) {
      auto opcode = reader_.read<uint8_t>();
      if (!step(opcode) || !reader_.ok()) return false;
    }
    if (pc_ < range_.end) emit();
    return true;
  }

 private:
  bool step(uint8_t opcode) {
    uint8_t operand = opcode & 0x3f;
    switch (opcode & 0xc0) {
      case kAdvanceLoc:
        return advance(operand);
      case kOffset:
        return set_offset(operand, scale(reader_.uleb(), context_.data_alignment));
      case kRestore:
        return restore(operand);
      default:
        break;
    }
    if (opcode <= kAdvanceLoc4) return move(opcode);
    if (opcode >= kDefCfa && opcode <= kDefCfaExpression) return define_cfa(opcode);
    if (opcode == kDefCfaSf || opcode == kDefCfaOffsetSf) return define_cfa(opcode);
    if (opcode == kRememberState || opcode == kRestoreState) return stack(opcode);
    if (opcode == kGnuArgsSize) return reader_.uleb(), true;
    return define_register(opcode);
  }

  bool move(uint8_t opcode) {
    switch (opcode) {
      case kNop:
        return true;
      case kAdvanceLoc1:
        return advance(reader_.read<uint8_t>());
      case kAdvanceLoc2:
        return advance(reader_.read<uint16_t>());
      case kAdvanceLoc4:
        return advance(reader_.read<uint32_t>());
      default:
        break;
    }
    uint64_t pc = 0;
    uint64_t address = range_.instructions_address + reader_.position();
    return read_encoded_pointer(&reader_, context_.pointer_encoding, address, &pc) && move_to(pc);
  }

  bool advance(uint64_t delta) {
    uint64_t distance = 0;
    if (__builtin_mul_overflow(delta, context_.code_alignment, &distance)) return false;
    // Past the end is as good as at the end.
    return move_to(distance > range_.end - pc_ ? range_.end : pc_ + distance);
  }

  bool move_to(uint64_t pc) {
    if (pc < pc_) return false;
    if (pc > pc_) emit();
    pc_ = pc;
    return true;
  }

  void emit() {
    if (out_ == nullptr) return;
    uint32_t rule = encode_rule(*state_, context_.signal_frame);
    out_->unsupported_rules += rule == MP_CFA_NONE ? 1 : 0;
    out_->rows.push_back({static_cast<uint32_t>(pc_ - out_->base), rule});
  }

  bool stack(uint8_t opcode) {
    if (opcode == kRememberState) {
      if (remembered_.size() >= kMaxRememberedStates) return false;
      remembered_.push_back(*state_);
      return true;
    }
    if (remembered_.empty()) return false;
    *state_ = remembered_.back();
    remembered_.pop_back();
    return true;
  }

  bool define_cfa(uint8_t opcode) {
    if (opcode == kDefCfaExpression) {
      set_cfa_expression(reader_.take(reader_.uleb()), state_);
      return true;
    }
    bool has_register = opcode == kDefCfa || opcode == kDefCfaSf || opcode == kDefCfaRegister;
    if (has_register) state_->cfa_register = reader_.uleb();
    if (opcode == kDefCfa || opcode == kDefCfaOffset) state_->cfa_offset = static_cast<int64_t>(reader_.uleb());
    if (opcode == kDefCfaSf || opcode == kDefCfaOffsetSf) {
      state_->cfa_offset = scale(static_cast<uint64_t>(reader_.sleb()), context_.data_alignment);
    }
    // The others change half of a rule of this form and have no meaning after an expression.
    if (opcode == kDefCfa || opcode == kDefCfaSf) state_->cfa = CfiState::Cfa::kRegister;
    return state_->cfa == CfiState::Cfa::kRegister;
  }

  bool define_register(uint8_t opcode) {
    uint64_t number = reader_.uleb();
    switch (opcode) {
      case kOffsetExtended:
        return set_offset(number, scale(reader_.uleb(), context_.data_alignment));
      case kOffsetExtendedSf:
        return set_offset(number, scale(static_cast<uint64_t>(reader_.sleb()), context_.data_alignment));
      case kGnuNegativeOffsetExtended:
        return set_offset(number, scale(0 - reader_.uleb(), context_.data_alignment));
      case kRestoreExtended:
        return restore(number);
      case kUndefined:
        return set_rule(number, CfiState::Rbp::kLost, CfiState::ReturnAddress::kUndefined);
      case kSameValue:
        return set_rule(number, CfiState::Rbp::kSame, CfiState::ReturnAddress::kElsewhere);
      case kRegister:
      case kValOffset:
        reader_.uleb();
        return set_lost(number);
      case kValOffsetSf:
        reader_.sleb();
        return set_lost(number);
      case kExpression: {
        bool at_rbp = is_at_rbp(reader_.take(reader_.uleb()));
        auto rbp = at_rbp ? CfiState::Rbp::kAtRbp : CfiState::Rbp::kLost;
        return set_rule(number, rbp, CfiState::ReturnAddress::kElsewhere);
      }
      case kValExpression:
        reader_.take(reader_.uleb());
        return set_lost(number);
      default:
        return false;
    }
  }

  bool set_rule(uint64_t number, CfiState::Rbp rbp, CfiState::ReturnAddress return_address) {
    if (number == kDwarfRbp) state_->rbp = rbp;
    if (number == context_.return_register) state_->return_address = return_address;
    return true;
  }

  bool set_lost(uint64_t number) { return set_rule(number, CfiState::Rbp::kLost, CfiState::ReturnAddress::kElsewhere); }

  bool set_offset(uint64_t number, int64_t offset) {
    if (number == kDwarfRbp) state_->rbp_offset = offset;
    auto return_address = offset == -8 ? CfiState::ReturnAddress::kBelowCfa : CfiState::ReturnAddress::kElsewhere;
    return set_rule(number, CfiState::Rbp::kAtOffset, return_address);
  }

  bool restore(uint64_t number) {
    if (number == kDwarfRbp) state_->rbp_offset = context_.initial.rbp_offset;
    return set_rule(number, context_.initial.rbp, context_.initial.return_address);
  }

  ByteReader reader_;
  const CfiContext &context_;
  const CfiRange &range_;
  CfiState *state_;
  CfiRows *out_;
  uint64_t pc_;
  std::vector<CfiState> remembered_;
};

}  // namespace

bool read_encoded_pointer(ByteReader *reader, uint8_t encoding, uint64_t address, uint64_t *value) {
  constexpr uint8_t kPcRelative = 0x10;
  switch (encoding & 0x0f) {
    case 0x00:
    case 0x04:
    case 0x0c:
      *value = reader->read<uint64_t>();
      break;
    case 0x01:
      *value = reader->uleb();
      break;
    case 0x02:
      *value = reader->read<uint16_t>();
      break;
    case 0x03:
      *value = reader->read<uint32_t>();
      break;
    case 0x09:
      *value = static_cast<uint64_t>(reader->sleb());
      break;
    case 0x0a:
      *value = static_cast<uint64_t>(int64_t{reader->read<int16_t>()});
      break;
    case 0x0b:
      *value = static_cast<uint64_t>(int64_t{reader->read<int32_t>()});
      break;
    default:
      return false;
  }
  uint8_t application = encoding & 0x70;
  if (application != 0 && application != kPcRelative) return false;
  if (*value != 0 && application == kPcRelative) *value += address;
  return reader->ok();
}

bool run_cfi(ByteReader instructions, const CfiContext &context, const CfiRange &range, CfiState *state, CfiRows *out) {
  return Machine(instructions, context, range, state, out).run();
}

}  // namespace mp
