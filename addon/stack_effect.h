// What one instruction does to the distance between rsp and the CFA, and to rbp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "x86_decode.h"

namespace mp {

struct StackState {
  int32_t cfa_from_rsp = 8;             // a function begins behind the push of its return address
  std::optional<int32_t> cfa_from_rbp;  // rbp is a frame pointer
  uint8_t rbp_slot = 0;                 // caller's rbp is at CFA - 8 * rbp_slot; 0: in rbp
  bool is_rsp_lost = false;
  bool is_rbp_saved = false;
  bool is_outermost = false;  // psABI: rbp is set to 0 where nobody returns to

  // The rule of struct mp_unwind_row; nullopt: nothing is known.
  std::optional<uint32_t> rule() const;
};

// The state behind the instruction at `code`.
StackState stack_effect(StackState state, const Instruction &instruction, const uint8_t *code);

}  // namespace mp
