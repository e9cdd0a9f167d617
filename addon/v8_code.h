// JavaScript functions that are active in a frame of machine code that V8 compiled. A frame of optimized code stands
// for its function and for those that were inlined into it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "v8_code_layout.h"
#include "v8_memory.h"

namespace mp {

// The position in a function is not known to V8 either: at calls of optimized code that can't deoptimize it, such as
// that for memory of the heap when a collection has to come first. Which inlined function it was is then not known,
// either.
constexpr uint32_t kUnknownV8Offset = UINT32_MAX;

struct V8Activation {
  uint64_t shared;            // SharedFunctionInfo
  uint64_t byte_code_array;   // 0: not known, or a builtin
  uint32_t byte_code_offset;  // or kUnknownV8Offset
};

enum class V8CodeKind : uint8_t { kNone, kBaseline, kMaglev, kTurbofan };

struct V8Activations {
  V8CodeKind kind = V8CodeKind::kNone;    // of the code that was found
  std::vector<V8Activation> activations;  // innermost first; empty: not even the function is known
};

class V8CodeReader {
 public:
  // Of the machine code, and of each table, of one function. V8 optimizes functions of up to 60 KiB of byte code.
  static constexpr uint32_t kMaxCodeBytes = 2 << 20;

  // Both stay the caller's and must outlive this. What is read counts for the limits of `memory`.
  V8CodeReader(V8Memory &memory, const V8CodeLayout &layout) : memory_(memory), layout_(layout) {}

  // Of a frame with the return address `pc` and the JSFunction `function`. `shared` is the function's
  // SharedFunctionInfo at the time of the frame; 0 reads it now, which is wrong when the function has moved since then.
  V8Activations activations(uint64_t function, uint64_t pc, uint64_t shared = 0);

  // The BytecodeArray of a SharedFunctionInfo; 0 if it has none, because it is a builtin or is not compiled.
  uint64_t byte_code_array(uint64_t shared);

 private:
  struct Code {
    uint64_t object;
    uint64_t start;                            // address of the first instruction
    uint32_t instruction_size, metadata_size;  // bytes
    uint8_t kind;
  };

  std::optional<uint64_t> object_field(uint64_t object, uint64_t offset);
  std::optional<uint64_t> element(uint64_t array, uint64_t index);
  std::optional<uint64_t> object_element(uint64_t array, uint64_t index);
  std::optional<V8Bytes> bytes(uint64_t array, uint16_t bytes_offset);
  uint64_t byte_code_array_of(uint64_t data);
  std::optional<uint64_t> code_of_stream(uint64_t stream);
  std::optional<Code> code_at(uint64_t start);
  std::optional<Code> find_code(uint64_t pc);
  std::vector<V8Activation> baseline(const Code &code, uint64_t shared, uint32_t pc_offset);
  std::vector<V8Activation> optimized(const Code &code, uint32_t pc_offset);

  V8Memory &memory_;
  const V8CodeLayout &layout_;
};

}  // namespace mp
