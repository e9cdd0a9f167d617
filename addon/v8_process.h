// The V8 in a process: what its JavaScript frames stand for.
//
// BPF copies the slots of frames when they are on the stack; names and lines are read a moment later, while the program
// runs on. What is read then is only true if no mark-compact collection has begun since: the caller looks at the count
// of collections before and after.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "../bpf/mp.h"
#include "dwarf.h"
#include "v8_code.h"
#include "v8_objects.h"

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

// The slots of the frames of a stack, with the collections that had begun and ended then.
struct V8Slots {
  uint32_t begun = 0, ended = 0;
  std::vector<mp_v8_frame> frames;
};

// Index of a frame in its stack -> the functions in it, innermost inlined one first.
using V8FrameSymbols = std::map<uint32_t, std::vector<SymbolFrame>>;

class V8Process {
 public:
  // `module` must outlive this.
  V8Process(const V8Module &module, MemoryReader reader);

  // Takes slots until the stack with that hash comes.
  void add(const mp_event_v8_frames &event, const mp_v8_frame *frames);
  std::optional<V8Slots> take(uint64_t stack);
  // They are the first of their collections: stacks from before will not be referred to for long.
  bool begins_generation(const V8Slots &slots);

  // Frames that are no JavaScript function's, or can't be read, are left out. `addresses`: the return addresses.
  V8FrameSymbols symbols(const V8Slots &slots, const uint64_t *addresses, uint32_t count);

 private:
  // Stacks that never came, because the ring was full.
  static constexpr size_t kMaxPending = 1024;
  static constexpr size_t kMaxKnown = 1 << 16;

  // Where a frame is: its return address; of an interpreted one, the byte code array and the offset in it.
  using Place = std::pair<uint64_t, uint64_t>;
  struct PlaceHash {
    size_t operator()(const Place &place) const {
      return (place.first ^ place.second >> 32 ^ place.second << 16) * 0x9E3779B97F4A7C15ull >> 16;
    }
  };

  const std::vector<SymbolFrame> &known_symbols_of(const mp_v8_frame &frame, uint64_t address);
  std::vector<SymbolFrame> symbols_of(const mp_v8_frame &frame, uint64_t address);
  std::optional<SymbolFrame> symbol_of(const V8Activation &activation);

  uint32_t begun_ = 0, ended_ = 0;  // of the last slots
  V8Objects objects_;
  std::optional<V8CodeReader> code_;
  std::unordered_map<uint64_t, V8Slots> pending_;  // by hash of the stack
  // Of this generation, in which a place means the same as long as it lasts.
  std::unordered_map<Place, std::vector<SymbolFrame>, PlaceHash> known_;
};

}  // namespace mp
