// Runs the call frame instructions of one CIE or FDE (DWARF 5, section 6.4.2).
//
// They describe a table: per pc, how to find the CFA (the value of rsp before the call) and where registers of the
// caller were saved. `push rbp; mov rbp, rsp; ...` compiles to
//
//   (initial, from the CIE)               CFA = rsp + 8,  return address at CFA - 8
//   advance 1; def_cfa_offset 16;         CFA = rsp + 16, rbp at CFA - 16
//     offset rbp -16
//   advance 3; def_cfa_register rbp       CFA = rbp + 16, rbp at CFA - 16
//
// of which a row of struct mp_unwind_row keeps what the unwinder uses: CFA, rbp, return address. A rule that a row
// cannot hold becomes MP_CFA_NONE, so that an unwinder stops there instead of going astray.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../bpf/mp.h"
#include "byte_reader.h"

namespace mp {

// The state of the table at one pc.
struct CfiState {
  enum class Cfa { kRegister, kPlt, kDeref, kUnsupported };
  enum class Rbp { kSame, kAtOffset, kAtRbp, kLost };
  enum class ReturnAddress { kUnset, kBelowCfa, kUndefined, kElsewhere };

  Cfa cfa = Cfa::kUnsupported;
  uint64_t cfa_register = 0;  // DWARF number; of kRegister
  int64_t cfa_offset = 0;     // of kRegister and kDeref
  Rbp rbp = Rbp::kSame;
  int64_t rbp_offset = 0;  // from the CFA
  ReturnAddress return_address = ReturnAddress::kUnset;
};

struct CfiContext {
  uint64_t code_alignment = 1;
  int64_t data_alignment = -8;
  uint64_t return_register = 16;
  uint8_t pointer_encoding = 0;  // DW_EH_PE_* of the pcs in FDEs
  bool signal_frame = false;
  CfiState initial;  // behind the CIE's instructions
};

// A pointer encoded as DW_EH_PE_* (LSB, section 10.5.1), which is at ELF address `address` itself. false if it does not
// lie within the reader or its encoding is none of absolute and pc-relative. 0 stays 0 in every encoding.
bool read_encoded_pointer(ByteReader *reader, uint8_t encoding, uint64_t address, uint64_t *value);

struct CfiRange {
  uint64_t start;  // ELF addresses
  uint64_t end;
  uint64_t instructions_address;  // of the first byte of the instructions
};

// Where run_cfi() leaves its rows. pcs are relative to `base` and must fit into 32 bits.
struct CfiRows {
  uint64_t base;
  std::vector<mp_unwind_row> rows;
  size_t unsupported_rules;  // rows that say MP_CFA_NONE because a row cannot hold the rule
};

// Runs `instructions` from *state on. Unless `out` is null, appends a row whenever the pc moves, and one at the end;
// pcs ascend and lie within `range`. false if an instruction is unknown or makes no sense.
bool run_cfi(ByteReader instructions, const CfiContext &context, const CfiRange &range, CfiState *state, CfiRows *out);

}  // namespace mp
