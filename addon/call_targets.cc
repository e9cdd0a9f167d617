#include "call_targets.h"

#include <algorithm>
#include <cstring>

namespace mp {
namespace {

constexpr size_t kMaxFunctionBytes = 512;  // a call of malloc stands at the beginning of those that matter
constexpr uint8_t kEndbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

// The slot behind `jmp *slot(%rip)` or `call *slot(%rip)`, with or without bnd; 0: it is another instruction.
uint64_t indirect_slot(const uint8_t *code, size_t size_bytes, uint64_t address) {
  const size_t prefix = size_bytes && code[0] == 0xf2;
  if (size_bytes < prefix + 6 || code[prefix] != 0xff) return 0;
  if (code[prefix + 1] != 0x25 && code[prefix + 1] != 0x15) return 0;
  int32_t displacement;
  memcpy(&displacement, code + prefix + 2, sizeof(displacement));
  return address + prefix + 6 + displacement;
}

// The name behind an entry of the PLT.
std::string_view plt_name(const ElfFile &elf, uint64_t address) {
  auto [code, size_bytes] = elf.bytes_at(address, 16);
  if (!code) return {};
  size_t skipped = 0;
  if (size_bytes >= sizeof(kEndbr64) && !memcmp(code, kEndbr64, sizeof(kEndbr64))) skipped = sizeof(kEndbr64);
  const uint64_t slot = indirect_slot(code + skipped, size_bytes - skipped, address + skipped);
  return slot ? elf.relocation_symbol(slot) : std::string_view();
}

}  // namespace

std::optional<CallTarget> branch_target(const ElfFile &elf, uint64_t address, const Instruction &instruction) {
  const auto [code, size_bytes] = elf.bytes_at(address, instruction.length_bytes);
  if (!code) return std::nullopt;
  if (const uint64_t slot = indirect_slot(code, size_bytes, address)) {
    const auto name = elf.relocation_symbol(slot);
    return name.empty() ? std::nullopt : std::optional(CallTarget{0, name});
  }
  if (!instruction.branch) return std::nullopt;
  const uint64_t target = address + instruction.length_bytes + *instruction.branch;
  return CallTarget{target, plt_name(elf, target)};
}

std::vector<CallTarget> call_targets(const ElfFile &elf, uint64_t address, uint64_t size_bytes) {
  std::vector<CallTarget> targets;
  const auto [code, available] = elf.bytes_at(address, std::min<uint64_t>(size_bytes, kMaxFunctionBytes));
  for (size_t at = 0; code && at < available;) {
    const auto instruction = decode_instruction(code + at, available - at);
    if (!instruction) break;
    if (const auto target = branch_target(elf, address + at, *instruction)) {
      const bool is_inside = target->address >= address && target->address < address + available;
      if (!is_inside || instruction->flow == Flow::kCall) targets.push_back(*target);
    }
    at += instruction->length_bytes;
  }
  return targets;
}

}  // namespace mp
