// Where in a program's code instructions begin, as far as that is certain without symbols.
//
// A probe that is not put on the first byte of an instruction destroys the program, and x86 code can be decoded from
// any byte on. Two things are certain:
//
//   described   A function of which .eh_frame gives the first byte and the end. It counts if it can be decoded from the
//               one to the other without a gap, and if each of its jumps within itself goes to an instruction. Between
//               it and the one before it, if they are close, there must be whole instructions, too.
//   reached     What described code and the entry of the program call or jump to, and what is reached from there: by
//               jumps, by falling through, and behind the call of a function that is seen to return. (Behind another
//               call there may be anything.) That is how the code of musl is found, which has no .eh_frame.
//
// If instructions that are reached overlap, nothing that is only reached counts. Indirect jumps are not followed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "elf.h"
#include "x86_decode.h"

namespace mp {

class KnownCode {
 public:
  explicit KnownCode(const ElfFile &elf);

  // Of .text. Offsets below count from its first byte.
  uint64_t address() const { return address_; }
  size_t size_bytes() const { return size_bytes_; }
  const uint8_t *bytes() const { return bytes_; }

  // Whether an instruction begins there, for certain.
  bool is_instruction(size_t offset) const;
  // Whether code that is known has a direct jump to one of [first, last].
  bool is_jumped_to(size_t first, size_t last) const;
  // nullopt also behind the end.
  std::optional<Instruction> decode(size_t offset) const;

 private:
  enum State : uint8_t { kUnknown, kDescribed, kReached, kInside };

  bool is_described(size_t offset) const;
  // Where a direct jump or call at `offset` goes, if that is in .text.
  std::optional<size_t> target_of(const Instruction &instruction, size_t offset) const;
  bool take_step();
  bool is_padding(size_t begin, size_t end) const;
  void add_described(size_t begin, size_t end);
  void explore(size_t root);
  bool add_reached(size_t offset, const Instruction &instruction);
  bool returns(size_t function, unsigned depth);
  bool finds_return(size_t function, unsigned depth);

  const uint8_t *bytes_ = nullptr;
  size_t size_bytes_ = 0;
  uint64_t address_ = 0;
  std::vector<std::pair<size_t, size_t>> described_;  // offsets, sorted
  std::vector<State> states_;
  std::vector<bool> jumped_to_;
  std::vector<size_t> roots_;
  std::unordered_map<size_t, bool> returns_;
  size_t steps_left_;
  bool is_contradictory_ = false;  // of what is reached
};

}  // namespace mp
