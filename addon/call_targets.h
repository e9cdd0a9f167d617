// What a function calls, by name or by address, as far as its code says it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "elf.h"
#include "x86_decode.h"

namespace mp {

//   e9 fb af 00 00      jmp 90c0 <free@plt>        the entry at 90c0 jumps through the slot that a relocation names:
//                                                  {0x90c0, "free"}
//   e8 12 33 f8 ff      call 31430                 {0x31430, ""}
//   ff 25 10 1f 02 00   jmp *0xcf030(%rip)         {0, "free"}
struct CallTarget {
  uint64_t address;           // ELF address of the function or of its entry in the PLT; 0 for a call through a slot
  std::string_view imported;  // what the dynamic linker binds the call to; "": nothing that a relocation names
};

// Where the instruction at an ELF address goes, if it is a direct branch or goes through a slot with a relocation.
std::optional<CallTarget> branch_target(const ElfFile &elf, uint64_t address, const Instruction &instruction);

// The direct calls of the function at `address`, its jumps out of it, and calls through slots with a relocation.
std::vector<CallTarget> call_targets(const ElfFile &elf, uint64_t address, uint64_t size_bytes);

}  // namespace mp
