#include "mapping_syscalls.h"

#include <cstring>
#include <optional>

#include "known_code.h"

namespace mp {
namespace {

constexpr size_t kMaxInstructionsBetween = 8;

// arch/x86/entry/syscalls/syscall_64.tbl; the registers that mapping_syscall() reads for it (bpf/mmap.bpf.h)
struct Call {
  uint32_t number;
  mp_allocator allocator;
  unsigned read;
};
constexpr Call kCalls[] = {
    {9, MP_ALLOCATOR_MMAP, kRax | kRsi | kR10},
    {11, MP_ALLOCATOR_MUNMAP, kRax | kRdi | kRsi},
    {25, MP_ALLOCATOR_MREMAP, kRax | kRdi | kRsi | kRdx | kR10},
};

// Of `mov $number, %eax` or `%rax`.
const Call *call_of(const uint8_t *code, size_t length_bytes) {
  uint32_t number;
  if (length_bytes == 5 && code[0] == 0xb8)
    memcpy(&number, code + 1, sizeof(number));
  else if (length_bytes == 7 && code[0] == 0x48 && code[1] == 0xc7 && code[2] == 0xc0)
    memcpy(&number, code + 3, sizeof(number));
  else
    return nullptr;
  for (const Call &call : kCalls)
    if (call.number == number) return &call;
  return nullptr;
}

// The syscall that is executed next with rax as it is behind `at`.
std::optional<size_t> next_syscall(const KnownCode &code, size_t at) {
  for (size_t i = 0; i < kMaxInstructionsBetween && code.is_instruction(at); i++) {
    const auto instruction = code.decode(at);
    if (!instruction) return std::nullopt;
    if (instruction->flow == Flow::kSyscall) return at;
    if (instruction->flow != Flow::kNext || (instruction->writes & kRax) != 0) return std::nullopt;
    at += instruction->length_bytes;
  }
  return std::nullopt;
}

// From behind the system call on, the first emulated instruction that still finds what is read.
std::optional<size_t> emulated_site(const KnownCode &code, size_t at, unsigned read) {
  for (size_t i = 0; i < kMaxInstructionsBetween && code.is_instruction(at); i++) {
    const auto instruction = code.decode(at);
    if (!instruction) return std::nullopt;
    if (instruction->emulated) return at;
    if (instruction->flow != Flow::kNext || (instruction->writes & read) != 0) return std::nullopt;
    at += instruction->length_bytes;
  }
  return std::nullopt;
}

// A 64-bit mov from a register: an instruction that the kernel can execute out of line for certain.
bool is_register_move(const KnownCode &code, size_t at) {
  const auto instruction = code.decode(at);
  return instruction && instruction->length_bytes == 3 && (code.bytes()[at] & 0xf8) == 0x48 &&
         code.bytes()[at + 1] == 0x89;
}

std::optional<MappingSyscall> site_of(const KnownCode &code, size_t number_at, size_t behind_number, const Call &call) {
  const auto syscall = next_syscall(code, behind_number);
  if (!syscall) return std::nullopt;
  const size_t behind = *syscall + 2;
  const auto emulated = emulated_site(code, behind, call.read);
  // musl moves the result at once, and one of the arguments is lost
  if (!emulated && !(code.is_instruction(behind) && is_register_move(code, behind))) return std::nullopt;
  const size_t site = emulated.value_or(behind);
  if (code.is_jumped_to(number_at + 1, site)) return std::nullopt;
  return MappingSyscall{call.allocator, code.address() + site, !emulated};
}

}  // namespace

std::vector<MappingSyscall> find_mapping_syscalls(const ElfFile &elf) {
  std::vector<MappingSyscall> found;
  const KnownCode code(elf);
  for (size_t at = 0; at < code.size_bytes(); at++) {
    if (!code.is_instruction(at)) continue;
    const auto instruction = code.decode(at);
    const Call *call = instruction ? call_of(code.bytes() + at, instruction->length_bytes) : nullptr;
    if (!call) continue;
    if (const auto site = site_of(code, at, at + instruction->length_bytes, *call)) found.push_back(*site);
  }
  return found;
}

}  // namespace mp
