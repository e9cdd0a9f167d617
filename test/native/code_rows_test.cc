// Unwind rows from code: by hand, and for musl's own functions as its disassembly shows them.
#include "code_rows.h"

#include <algorithm>

#include "check.h"
#include "eh_frame.h"
#include "stack_effect.h"
#include "this_machine.h"

using mp::decode_instruction;
using mp::StackState;

namespace {

// The rule behind each instruction of a piece of code.
StackState behind(const std::vector<uint8_t> &code) {
  StackState state;
  for (size_t at = 0; at < code.size();) {
    const auto instruction = decode_instruction(code.data() + at, code.size() - at);
    if (!instruction) return state;
    state = stack_effect(state, *instruction, code.data() + at);
    at += instruction->length_bytes;
  }
  return state;
}

TEST(a_function_begins_with_its_return_address_on_the_stack) {
  CHECK_EQ(*StackState().rule(), MP_RULE(MP_CFA_RSP, 0, 8));
}

TEST(pushes_and_subtractions_move_the_cfa_away) {
  // push r12; push rbx; sub $0x28, %rsp
  CHECK_EQ(*behind({0x41, 0x54, 0x53, 0x48, 0x83, 0xec, 0x28}).rule(), MP_RULE(MP_CFA_RSP, 0, 64));
  // and back: add $0x28, %rsp; pop rbx; pop r12
  CHECK_EQ(*behind({0x41, 0x54, 0x53, 0x48, 0x83, 0xec, 0x28, 0x48, 0x83, 0xc4, 0x28, 0x5b, 0x41, 0x5c}).rule(),
           MP_RULE(MP_CFA_RSP, 0, 8));
  // sub $0x1000, %rsp; sub $-128, %rsp
  CHECK_EQ(*behind({0x48, 0x81, 0xec, 0, 0x10, 0, 0, 0x48, 0x83, 0xec, 0x80}).rule(),
           MP_RULE(MP_CFA_RSP, 0, 8 + 4096 - 128));
}

TEST(the_callers_rbp_is_found_where_it_was_pushed) {
  // push r12; push rbp; push rbx
  CHECK_EQ(*behind({0x41, 0x54, 0x55, 0x53}).rule(), MP_RULE(MP_CFA_RSP, 3, 32));
  // pop rbx; pop rbp: it is back
  CHECK_EQ(*behind({0x41, 0x54, 0x55, 0x53, 0x5b, 0x5d}).rule(), MP_RULE(MP_CFA_RSP, 0, 16));
}

TEST(a_frame_pointer_helps_where_rsp_is_lost) {
  // push rbp; mov %rsp, %rbp; and $-16, %rsp
  CHECK_EQ(*behind({0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xe4, 0xf0}).rule(), MP_RULE(MP_CFA_RBP, 2, 16));
  // ...; leave
  CHECK_EQ(*behind({0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xe4, 0xf0, 0xc9}).rule(), MP_RULE(MP_CFA_RSP, 0, 8));
  // sub %rax, %rsp without one
  CHECK(!behind({0x48, 0x29, 0xc4}).rule());
}

TEST(a_thread_that_begins_has_no_caller) {
  // xor %ebp, %ebp
  CHECK_EQ(*behind({0x31, 0xed}).rule(), MP_RULE(MP_CFA_END, 0, 0));
  // push rbp; xor %ebp, %ebp: a function that needs a zero
  CHECK_EQ(*behind({0x55, 0x31, 0xed}).rule(), MP_RULE(MP_CFA_RSP, 2, 16));
}

uint32_t rule_at(const std::vector<mp_unwind_row> &rows, uint64_t pc) {
  auto next = std::upper_bound(rows.begin(), rows.end(), pc,
                               [](uint64_t value, const mp_unwind_row &row) { return value < row.pc; });
  return next == rows.begin() ? 0 : std::prev(next)->rule;
}

TEST(musl_gets_rows_for_its_functions) {
  std::string error;
  const auto elf = mp::ElfFile::open("/lib/ld-musl-x86_64.so.1", &error);
  CHECK(elf != nullptr);
  CHECK(mp::lacks_unwind_information(*elf));
  auto rows = mp::build_unwind_rows(*elf, nullptr);
  mp::add_code_rows(*elf, rows);
  CHECK(rows.size() > 5000);
  for (size_t i = 1; i < rows.size(); i++) CHECK(rows[i - 1].pc < rows[i].pc);
  for (const char *name : {"malloc", "mmap", "qsort", "pthread_create", "__libc_start_main"}) {
    const auto symbol = elf->find_function(name);
    CHECK(symbol.has_value());
    CHECK_EQ(rule_at(rows, symbol->address - elf->lowest_address()), MP_RULE(MP_CFA_RSP, 0, 8));
  }
}

TEST(a_library_with_unwind_information_is_left_alone) {
  std::string error;
  const auto elf = mp::ElfFile::open("/lib/x86_64-linux-gnu/libc.so.6", &error);
  CHECK(elf != nullptr);
  CHECK(!mp::lacks_unwind_information(*elf));
}

}  // namespace
