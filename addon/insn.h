// Where in a function to put a probe.
//
// A uprobe replaces an instruction. The kernel emulates a few kinds of them (push, nop, jumps, calls); every other one
// is executed out of line in a single step, which makes a hit ten times as expensive. So the probe goes to the first
// emulated instruction that every call of the function executes and that still finds in place what the probe reads:
//
//   free:  0:  48 85 ff            test rdi, rdi    single-stepped
//          3:  0f 84 bf 00 00 00   je ...           emulated; rdi untouched, return address at [rsp]: the site
//
//   munmap:  0:  b8 0b 00 00 00    mov eax, 11
//            5:  0f 05             syscall
//            7:  48 3d 01 f0 ff ff cmp rax, -4095
//           13:  73 01             jae ...          emulated; rax is the result, the arguments are untouched: the site
//
// "Every call": decoding stops at the first branch, call or return (which may itself be the site), and a site is
// refused if the function jumps back to it or to an instruction before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace mp {

enum class SiteKind { kEntry, kReturnable, kAfterSyscall };

struct ProbeSite {
  uint32_t offset;      // bytes from the first byte of the function
  bool single_stepped;  // works, but a hit is expensive
};

// For probes that also watch the return: the return address is at [rsp] and rdi, rsi, rdx, rcx are those of the call.
// Falls back to the first instruction, single-stepped.
ProbeSite pick_returnable_site(const uint8_t *code, size_t size_bytes);

// For probes that read the first argument only: rdi is that of the call; rsp may have moved.
// Falls back to the first instruction, single-stepped.
ProbeSite pick_entry_site(const uint8_t *code, size_t size_bytes);

// Where arguments are at a site: numbers of registers, rdi, rsi, rdx, rcx if the function has not moved them.
struct ArgumentSite : ProbeSite {
  uint8_t registers[4] = {7, 6, 2, 1};

  bool is_moved() const { return registers[0] != 7 || registers[1] != 6 || registers[2] != 2 || registers[3] != 1; }
};

// The same for a function whose first `count` arguments, at most four, are read and may have been copied to other
// registers before the site. `returns`: the probe watches the return, too.
//
//   malloc:  0:  mov 0xb449(%rip), %rax
//            7:  mov %rdi, %rsi
//           10:  mov %fs:(%rax), %rdi
//           14:  cmp $0x400, %rsi
//           21:  ja ...                  emulated; the argument is in rsi: the site
ArgumentSite pick_argument_site(const uint8_t *code, size_t size_bytes, size_t count, bool returns);

// For wrappers of a system call: behind the only `syscall` of the function; rax is its result and rdi, rsi, rdx, r10,
// r8 are what it was called with, the first three unchanged since the call of the function. Calls that fail before
// they reach the system call are not seen. nullopt if there is no such site.
std::optional<ProbeSite> pick_syscall_site(const uint8_t *code, size_t size_bytes);

}  // namespace mp
