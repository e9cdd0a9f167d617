#include "code_rows.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "eh_frame.h"
#include "probe_sites.h"
#include "stack_effect.h"

namespace mp {
namespace {

constexpr uint64_t kMaxTextBytes = 8 << 20;  // musl has 400 KiB; a static program with more keeps its frame pointers
// mov $15, %rax; syscall (rt_sigreturn): what a signal handler returns to
constexpr uint8_t kSignalReturn[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};

using Range = std::pair<uint64_t, uint64_t>;

// Rules by offset in .text; 0: not reached.
struct Code {
  const uint8_t *bytes;
  size_t size_bytes;
  uint64_t address;
  std::vector<bool> is_entry;
  std::vector<uint32_t> rules;

  bool holds(uint64_t at) const { return at >= address && at - address < size_bytes; }
};

std::optional<uint64_t> taken_address(const uint8_t *code, size_t length_bytes, uint64_t next) {
  // lea disp(%rip), reg
  if (length_bytes != 7 || (code[0] & 0xfb) != 0x48 || code[1] != 0x8d || (code[2] & 0xc7) != 0x05) return std::nullopt;
  int32_t displacement;
  memcpy(&displacement, code + 3, sizeof(displacement));
  return next + displacement;
}

void find_entries(const ElfFile &elf, Code &code) {
  for (const ElfSymbol &symbol : elf.symbols(true))
    if (code.holds(symbol.address)) code.is_entry[symbol.address - code.address] = true;
  if (code.holds(elf.entry_address())) code.is_entry[elf.entry_address() - code.address] = true;
  for (size_t at = 0; at < code.size_bytes;) {
    const auto instruction = decode_instruction(code.bytes + at, code.size_bytes - at);
    if (!instruction) {
      at++;
      continue;
    }
    const uint64_t next = code.address + at + instruction->length_bytes;
    if (instruction->flow == Flow::kCall && instruction->branch && code.holds(next + *instruction->branch))
      code.is_entry[next + *instruction->branch - code.address] = true;
    const auto taken = taken_address(code.bytes + at, instruction->length_bytes, next);
    if (taken && code.holds(*taken) && *taken % 16 == 0) code.is_entry[*taken - code.address] = true;
    at += instruction->length_bytes;
  }
}

struct Point {
  size_t at;
  StackState state;
};

// Follows the code from a point on, within one function. Returns the state at an indirect jump, if there is one.
std::optional<StackState> follow(Code &code, Point start) {
  std::optional<StackState> at_switch;
  std::vector<Point> pending{start};
  while (!pending.empty()) {
    auto [at, state] = pending.back();
    pending.pop_back();
    while (at < code.size_bytes && !code.rules[at] && (at == start.at || !code.is_entry[at])) {
      const auto instruction = decode_instruction(code.bytes + at, code.size_bytes - at);
      const auto rule = state.rule();
      if (!instruction || !rule) break;
      const size_t next = at + instruction->length_bytes;
      std::fill(code.rules.begin() + at, code.rules.begin() + next, *rule);
      const uint64_t target = code.address + next + instruction->branch.value_or(0);
      const bool jumps = instruction->flow == Flow::kConditional || instruction->flow == Flow::kJump;
      if (jumps && code.holds(target)) pending.push_back({target - code.address, state});
      const bool is_indirect = code.bytes[at] == 0xff || (code.bytes[at] == 0x3e && code.bytes[at + 1] == 0xff);
      if (instruction->flow == Flow::kEnd && is_indirect) at_switch = state;
      if (instruction->flow == Flow::kJump || instruction->flow == Flow::kEnd) break;
      state = stack_effect(state, *instruction, code.bytes + at);
      at = next;
    }
  }
  return at_switch;
}

// The cases of a switch are reached through a table: they begin with the state at its jump.
void follow_function(Code &code, size_t entry) {
  const auto at_switch = follow(code, {entry, {}});
  if (!at_switch) return;
  for (size_t at = entry + 1; at < code.size_bytes && !code.is_entry[at]; at++)
    if (!code.rules[at]) follow(code, {at, *at_switch});
}

void mark_signal_returns(Code &code) {
  auto at = code.bytes, end = code.bytes + code.size_bytes;
  while ((at = std::search(at, end, std::begin(kSignalReturn), std::end(kSignalReturn))) != end) {
    // also the byte before: a return address is looked up in the call before it
    const size_t offset = at - code.bytes;
    for (size_t i = offset ? offset - 1 : 0; i < offset + sizeof(kSignalReturn); i++)
      code.rules[i] = MP_RULE(MP_CFA_SIGNAL, 0, 0);
    at += sizeof(kSignalReturn);
  }
}

bool is_described(const std::vector<Range> &described, uint64_t address) {
  const auto next = std::upper_bound(described.begin(), described.end(), Range{address, UINT64_MAX});
  return next != described.begin() && address < std::prev(next)->second;
}

uint32_t rule_at(const std::vector<mp_unwind_row> &rows, uint32_t pc) {
  const auto next = std::upper_bound(rows.begin(), rows.end(), pc,
                                     [](uint32_t value, const mp_unwind_row &row) { return value < row.pc; });
  return next == rows.begin() ? MP_RULE_FRAME_POINTER : std::prev(next)->rule;
}

}  // namespace

bool lacks_unwind_information(const ElfFile &elf) {
  const auto start = elf.find_function("__libc_start_main");
  if (start) return !is_described(described_ranges(elf), start->address);
  // a stripped static program begins in its C library
  return is_static_program(elf) && !elf.find_function("main") &&
         !is_described(described_ranges(elf), elf.entry_address());
}

void add_code_rows(const ElfFile &elf, std::vector<mp_unwind_row> &rows) {
  const auto text = elf.section(".text");
  const uint64_t lowest = elf.lowest_address();
  if (!text || !text->size_bytes || text->size_bytes > kMaxTextBytes || text->address < lowest) return;
  if (text->address - lowest > UINT32_MAX - kMaxTextBytes) return;
  const size_t size = text->size_bytes;
  Code code{text->data, size, text->address, std::vector<bool>(size), std::vector<uint32_t>(size)};
  find_entries(elf, code);
  for (size_t at = 0; at < size; at++)
    if (code.is_entry[at]) follow_function(code, at);
  mark_signal_returns(code);

  const auto described = described_ranges(elf);
  const uint32_t begin = text->address - lowest, end = begin + size;
  std::vector<mp_unwind_row> merged;
  const auto add = [&](uint32_t pc, uint32_t rule) {
    if (merged.empty() || merged.back().rule != rule) merged.push_back({pc, rule});
  };
  if (rows.empty()) add(0, MP_RULE_FRAME_POINTER);
  auto row = rows.begin();
  for (; row != rows.end() && row->pc < begin; ++row) add(row->pc, row->rule);
  for (uint32_t pc = begin; pc < end; pc++) {
    const uint32_t known = code.rules[pc - begin];
    for (; row != rows.end() && row->pc < pc; ++row) {
    }
    add(pc, known && !is_described(described, text->address + (pc - begin)) ? known : rule_at(rows, pc));
  }
  add(end, rule_at(rows, end));
  for (; row != rows.end(); ++row)
    if (row->pc > end) add(row->pc, row->rule);
  rows = std::move(merged);
}

}  // namespace mp
