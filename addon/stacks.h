// Stacks and locations of a capture: each distinct one gets an index, once, whatever number of processes and seeds have
// it.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "batch.h"
#include "python_code.h"
#include "stack_indexes.h"
#include "symbolize.h"
#include "targets.h"

namespace mp {

class Stacks {
 public:
  // Without `native_frames` stacks have those of interpreters only and, if there are none, the one that called the
  // allocator.
  Stacks(Symbolizer &symbolizer, bool native_frames) : symbolizer_(symbolizer), native_frames_(native_frames) {}

  // Takes the frames of a STACK event. What is new goes into the batch. False if BPF is to send it again: its hash
  // means the same in every process, but these frames are not what it was made of. `own_table`: that of the process,
  // for hashes that have no meaning in others. `javascript`: locations of frames by their index, or none;
  // V8Place::kNoLocation: it is a native one.
  bool add(const Process &process, StackTable &own_table, const mp_event_stack &event, const uint64_t *frames,
           const std::vector<uint32_t> &javascript, Batch &batch);
  uint32_t javascript_location_of(std::vector<SymbolFrame> symbols, Batch &batch);
  // The stack that an event refers to by hash; one without frames if they did not arrive or no walk took place.
  KnownStack of_event(Process &process, uint64_t hash, const mp_event &event, Batch &batch);
  // Takes what a Python code object says, before the first stack with it.
  void add_python_code(Process &process, const mp_event_python_code &event, const uint8_t *line_table);
  // -1: none
  int64_t module_of_location(uint32_t location) const { return location_modules_[location]; }

 private:
  static bool has_hash(const Process &process, const mp_event_stack &event, const uint64_t *frames);
  uint32_t index_of(const char *status, std::vector<uint32_t> locations, Batch &batch);
  uint32_t location_of(const Process &process, uint64_t address, Batch &batch);
  void add_python(const Process &process, uint64_t frame, std::vector<uint32_t> &locations, Batch &batch);
  uint32_t python_location_of(const Process &process, uint64_t frame, Batch &batch);
  // Of what `key` stands for in `table`, `module` -1: in none. `make(location)` says what it is, if it is new.
  template <typename Make>
  uint32_t location(std::unordered_map<uint64_t, uint32_t> &table, uint64_t key, int64_t module, Batch &batch,
                    const Make &make);
  uint32_t new_location(int64_t module);

  Symbolizer &symbolizer_;
  const bool native_frames_;
  StackTable shared_;  // MP_STACK_SHARED
  StackIndexes indexes_;
  std::unordered_map<uint64_t, uint32_t> locations_;             // by module and address
  std::vector<std::pair<int, PythonCode>> python_codes_;         // with the minor version that made them
  std::unordered_map<uint64_t, uint32_t> python_code_indexes_;   // by hash of what it says
  std::unordered_map<uint64_t, uint32_t> python_locations_;      // by code and code unit
  std::unordered_map<uint64_t, uint32_t> javascript_locations_;  // by hash of its symbols
  std::vector<int64_t> location_modules_;
  int64_t rest_ = -1;  // location of all that have no room; -1: there are none
  size_t python_code_bytes_ = 0;
};

}  // namespace mp
