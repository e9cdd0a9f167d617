// The objects of a CPython, as binding.cc offers them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "heap_figures.h"
#include "heap_references.h"
#include "heap_snapshot.h"
#include "heap_target.h"

namespace mp {

struct HeapOptions {
  bool pause = true;
  uint64_t max_pause_ns = 0;
};

class HeapReader {
 public:
  // Finds the interpreter. Throws Error.
  HeapReader(std::unique_ptr<HeapTarget> target, const HeapOptions &options);

  // Stops the target, unless it is not to, and reads. It stands still until resume().
  HeapSnapshot read();
  // Nanoseconds that it stood still.
  uint64_t resume();
  bool was_cut() const { return was_cut_; }
  int minor() const { return layout_.minor; }
  // Without stopping it.
  HeapFigures figures();
  const HeapTarget &target() const { return *target_; }

  struct Reference {
    uint64_t target;
    std::string label;  // as Python would write it: `.name`, `[0]`, `['key']`; "+16": of a field without a name
  };
  // While it stands still: what an object refers to, and whatever looks like it. Unless `to` is 0 only the first by
  // which it refers to that.
  std::vector<Reference> references(uint64_t from, uint64_t to);
  // A short text of what an object is, where it is a str, an int, or the name of a type, module or function.
  std::string describe(uint64_t object);

 private:
  static constexpr size_t kMaxReferences = 1 << 20;

  void stop();
  std::string label_text(const HeapType &type, const ReferenceLabel &label);

  std::unique_ptr<HeapTarget> target_;
  HeapOptions options_;
  HeapMemory memory_;
  HeapLayout layout_ = {};
  HeapRoots roots_;
  AddressRanges data_, objects_;  // variables of the interpreter, and all that they may point to
  std::unique_ptr<HeapPause> pause_;
  std::unique_ptr<HeapTypes> types_;
  bool was_cut_ = false;
};

}  // namespace mp
