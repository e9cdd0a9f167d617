// The V8 in a process: what its JavaScript frames stand for.
//
// BPF sends which functions the frames have that are on the stack; names and lines are read a moment later, while the
// program runs on. What is read then is only true if no mark-compact collection has begun since: the caller looks at
// the count of collections before and after.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "../bpf/mp.h"
#include "dwarf.h"
#include "v8_code.h"
#include "v8_objects.h"
#include "v8_places.h"

namespace mp {

// What is found in the ELF file of a program with V8 inside.
struct V8Module {
  V8Image image;
  std::optional<V8CodeLayout> code;  // nullopt: frames of machine code are known as functions only
  // ELF addresses of functions that are run when a V8 has mapped its code, and before it gives up its heap. 0: not
  // found
  uint64_t set_up = 0, tear_down = 0;
};

// nullopt if there is no V8 in the file.
std::optional<V8Module> find_v8_module(const ElfFile &elf);

class V8Process {
 public:
  // How often a function is read that can't be.
  static constexpr uint32_t kAttempts = 4;

  // `module` must outlive this.
  V8Process(const V8Module &module, MemoryReader reader);

  V8Places &places() { return places_; }

  // Memory is read anew from here on, with new limits.
  void forget() { objects_.forget(); }
  // The functions at a place, innermost inlined one first. Empty: it is in no function of JavaScript, or can't be read.
  std::vector<SymbolFrame> symbols(uint64_t place, uint64_t shared);

 private:
  uint32_t byte_code_offset(uint64_t of_tagged_array) const;
  std::optional<SymbolFrame> symbol_of(const V8Activation &activation);

  V8Places places_;
  V8Objects objects_;
  std::optional<V8CodeReader> code_;
};

}  // namespace mp
