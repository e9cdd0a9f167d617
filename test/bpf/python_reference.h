// The walk of Python frames once more, as plain as can be: field by field, without a window.
#pragma once

#include <optional>
#include <vector>

#include "paged_memory.h"

struct ReferencePython {
  std::vector<uint64_t> frames;  // MP_PYTHON_FRAME
  bool incomplete = false;
  uint32_t key = MP_PYTHON_NO_KEY;
};

class ReferencePythonWalk {
 public:
  ReferencePythonWalk(const PagedMemory &memory, const mp_python &python) : memory_(memory), python_(python) {}

  ReferencePython walk(uint64_t thread_pointer, size_t native_frames) {
    result_ = {};
    result_.key = python_.tss_key;
    if (thread_pointer == 0) return result_;
    auto state = holder(thread_pointer);
    if (!state) {
      result_.key = key();
      if (result_.key >= 32) return result_;
      state = word(thread_pointer + python_.tss_values + result_.key * 16 + 8);
      if (!state) return incomplete();
      if (*state == 0) return result_;
    }
    auto frame = word(*state + python_.thread_frame);
    if (frame && *frame != 0 && python_.c_frame_frame != MP_PYTHON_NONE) frame = word(*frame + python_.c_frame_frame);
    if (!frame) return incomplete();
    for (int turn = 0; turn < MP_MAX_FRAMES + 4; turn++) {
      if (*frame == 0) return result_;
      if (!is_readable(*frame) || native_frames + result_.frames.size() >= MP_MAX_FRAMES) return incomplete();
      add(*frame);
      frame = word(*frame + python_.frame_previous);
    }
    return *frame == 0 ? result_ : incomplete();
  }

 private:
  template <class T>
  std::optional<T> read(uint64_t address) const {
    T value;
    return memory_.read(&value, sizeof(value), address) ? std::optional(value) : std::nullopt;
  }
  std::optional<uint64_t> word(uint64_t address) const { return read<uint64_t>(address); }

  const ReferencePython &incomplete() {
    result_.incomplete = true;
    return result_;
  }

  // The state that holds the interpreter lock, if it is one of this thread.
  std::optional<uint64_t> holder(uint64_t thread_pointer) const {
    const uint32_t distance = python_.thread_id - python_.thread_frame;
    if (!python_.current_address || distance % 8 != 0 || distance > MP_STACK_WINDOW - 8) return std::nullopt;
    const auto state = word(python_.current_address);
    std::vector<uint8_t> between(distance + 8);
    if (!state || *state == 0 || !memory_.read(between.data(), between.size(), *state + python_.thread_frame))
      return std::nullopt;
    return word(*state + python_.thread_id) == thread_pointer ? state : std::nullopt;
  }

  uint32_t key() const {
    if (python_.tss_key != MP_PYTHON_NO_KEY) return python_.tss_key;
    const auto is_initialized = read<int32_t>(python_.tss_key_address);
    const auto number = read<uint32_t>(python_.tss_key_address + 4);
    return is_initialized && number && *is_initialized != 0 ? *number : MP_PYTHON_NO_KEY;
  }

  bool is_readable(uint64_t frame) const {
    uint8_t bytes[MP_PYTHON_MAX_FRAME];
    return frame % 8 == 0 && memory_.read(bytes, python_.frame_size, frame);
  }

  void add(uint64_t frame) {
    const uint8_t entry = *read<uint8_t>(frame + python_.frame_entry);
    if (python_.entry_kind == MP_PYTHON_ENTRY_SHIM && entry == 3) {
      if (!result_.frames.empty()) result_.frames.back() |= 1;
      return;
    }
    const uint64_t code = *word(frame + python_.frame_code) / 8 * 8;
    const bool is_each = python_.entry_kind != MP_PYTHON_ENTRY_SHIM && python_.entry_kind != MP_PYTHON_ENTRY_FLAG;
    const bool entered = is_each || (python_.entry_kind == MP_PYTHON_ENTRY_FLAG && entry % 2 == 1);
    result_.frames.push_back(MP_PYTHON_FRAME(code, unit_at(frame, code), entered));
  }

  uint64_t unit_at(uint64_t frame, uint64_t code) const {
    const uint64_t at = frame + python_.frame_instruction;
    int64_t unit;
    if (python_.instruction_kind == MP_PYTHON_BYTE_INDEX)
      unit = *read<int32_t>(at) < 0 ? -1 : *read<int32_t>(at) / 2;
    else if (python_.instruction_kind == MP_PYTHON_UNIT_INDEX)
      unit = *read<int32_t>(at);
    else
      unit = static_cast<int64_t>(*word(at) - code - python_.code_instructions) >> 1;
    return unit < 0 || unit > MP_PYTHON_NO_UNIT ? MP_PYTHON_NO_UNIT : unit;
  }

  const PagedMemory &memory_;
  const mp_python &python_;
  ReferencePython result_;
};
