// A process that runs Python, made of the few structures that the walk reads:
//
//   kThread     what the thread pointer points to; behind it the {sequence number, value} of each pthread key
//   kCurrent    the pointer to the thread state that holds the interpreter lock (up to 3.11); 0
//   kKey        the interpreter's Py_tss_t {int is_initialized; int key}; the key is 3
//   kState      PyThreadState, the value of that key
//   kCFrame     _PyCFrame (3.11, 3.12): thread state -> C frame -> frame; elsewhere thread state -> frame
//   kFrames     where frames lie on a stack that grows upwards (from 3.11 on)
//   kHeap       where they lie as objects of their own (up to 3.10, and those of generators)
//   kCStack     shim frames (from 3.12 on), which are variables of the evaluation loop
//   kCodes      code objects
//
// What is written is what the layout of the version names; everything else is PagedMemory::kUnset.
#pragma once

#include <sstream>

#include "made_stacks.h"
#include "paged_memory.h"
#include "python_layouts.h"

constexpr uint64_t kThread = 0x7f1000000740, kKey = 0x7f1100000a38, kCurrent = 0x7f1100000a20, kState = 0x555500001ab0,
                   kCFrame = 0x7ffd20000c18;
constexpr uint64_t kFrames = 0x7f2000000000, kHeap = 0x7f3000000000, kCStack = 0x7ffd20010000, kCodes = 0x7f4000000000;
constexpr uint32_t kKeyNumber = 3, kPythonSeed = 7;

struct MadeFrame {
  uint64_t address;
  uint64_t code;
  int64_t unit;          // the instruction it is at; -1: before the first one
  bool entered = false;  // the evaluation loop was entered with it, instead of by a call that the loop runs itself
};

class MadePython {
 public:
  mp_python python;
  PagedMemory memory;
  std::vector<MadeFrame> frames;  // as last put, innermost first

  explicit MadePython(int minor_version) : python(python_layout_of(minor_version)), minor(minor_version) {
    if (python.thread_id) {
      python.current_address = kCurrent;
      put_holder(0);
    }
    python.tss_key_address = kKey;
    python.tss_values = 784;
    put_key(1, kKeyNumber);
    memory.put(value_of(kKeyNumber), kState);
    memory.map(kState, 4096);
    if (has_c_frame()) memory.put(kState + python.thread_frame, kCFrame);
    put_current(0);
    put_native(1);
    use();
  }
  MadePython(const MadePython &) = delete;

  void use() {
    host = {};
    tables_.use(0);
    memory.use();
    host.pythons = &python;
    host.python_count = 1;
    host.thread_pointer = kThread;
  }

  bool has_c_frame() const { return python.c_frame_frame != MP_PYTHON_NONE; }
  bool has_shims() const { return python.entry_kind == MP_PYTHON_ENTRY_SHIM; }
  uint64_t value_of(uint32_t key) const { return kThread + python.tss_values + key * 16 + 8; }
  uint64_t shim_address(size_t frame) const { return kCStack + frame * 0x150; }

  void put_key(int32_t is_initialized, uint32_t key) {
    memory.put(kKey, is_initialized);
    memory.put(kKey + 4, key);
  }
  void put_current(uint64_t frame) {
    memory.put(has_c_frame() ? kCFrame + python.c_frame_frame : kState + python.thread_frame, frame);
  }
  // The state that holds the interpreter lock.
  void put_holder(uint64_t state) { memory.put(kCurrent, state); }
  void hold_lock() {
    if (!python.current_address) return;
    put_holder(kState);
    memory.put(kState + python.thread_id, kThread);
  }
  void put_previous(uint64_t frame, uint64_t previous) { memory.put(frame + python.frame_previous, previous); }

  // A native stack of so many frames.
  void put_native(uint32_t count) {
    std::vector<uint64_t> return_addresses(count, in_function(0));
    return_addresses.back() = 0;
    memory.put_bytes(kStack, return_addresses.data(), count * 8);
  }

  // A running thread with these frames, innermost first. Where there are shim frames, one lies below each frame that
  // the evaluation loop was entered with.
  void put_frames(const std::vector<MadeFrame> &innermost_first) {
    frames = innermost_first;
    put_current(frames.empty() ? 0 : frames[0].address);
    for (size_t i = 0; i < frames.size(); i++) {
      const uint64_t caller = i + 1 < frames.size() ? frames[i + 1].address : 0;
      const bool has_shim = has_shims() && frames[i].entered;
      put_frame(frames[i], has_shim ? shim_address(i) : caller);
      if (has_shim) put_shim(shim_address(i), caller);
    }
  }

  void put_frame(const MadeFrame &frame, uint64_t previous) {
    memory.map(frame.address, python.frame_size);
    memory.put(frame.address + python.frame_code, frame.code);
    put_previous(frame.address, previous);
    const uint64_t instruction = frame.address + python.frame_instruction;
    const uint64_t first = frame.code + python.code_instructions;
    if (python.instruction_kind == MP_PYTHON_BYTE_INDEX)
      memory.put(instruction, static_cast<int32_t>(frame.unit < 0 ? -1 : frame.unit * 2));
    else if (python.instruction_kind == MP_PYTHON_UNIT_INDEX)
      memory.put(instruction, static_cast<int32_t>(frame.unit));
    else
      memory.put(instruction, first + frame.unit * 2);
    if (python.entry_kind == MP_PYTHON_ENTRY_FLAG) memory.put(frame.address + python.frame_entry, frame.entered);
    if (has_shims()) memory.put(frame.address + python.frame_entry, uint8_t{0});  // FRAME_OWNED_BY_THREAD
  }
  void put_shim(uint64_t address, uint64_t previous) {
    memory.map(address, python.frame_size);
    put_previous(address, previous);
    memory.put(address + python.frame_entry, uint8_t{3});  // FRAME_OWNED_BY_CSTACK
  }

  // Frames of functions that call one another, where they usually lie; each third one, and the outermost, was entered.
  std::vector<MadeFrame> nested(size_t count) const {
    std::vector<MadeFrame> made;
    for (size_t i = 0; i < count; i++) {
      const uint64_t on_stack = kFrames + (count - 1 - i) * 120, in_heap = kHeap + i * 7919 % count * 480;
      const uint64_t code = kCodes + i * 208;
      made.push_back({minor <= 10 ? in_heap : on_stack, code, int64_t(i * 5 + 3), i % 3 == 2 || i + 1 == count});
    }
    return made;
  }

  host_walk walk(uint32_t stack_seed = kPythonSeed, uint64_t stack_pointer = kStack) {
    host_walk walk{};
    walk.with_python = 1;
    walk.stack_seed = stack_seed;
    walk.generation = 1;
    walk.pc = in_function(0);
    walk.sp = stack_pointer;
    host_unwind(&walk);
    return walk;
  }

  // Of the first `count` frames, as text_of() tells those of a walk.
  std::string expected(size_t count = SIZE_MAX) const {
    std::ostringstream text;
    text << "3." << minor << ":";
    for (size_t i = 0; i < frames.size() && i < count; i++) {
      const bool entered = frames[i].entered || python.entry_kind == MP_PYTHON_ENTRY_EACH;
      put_text(text, frames[i].code, frames[i].unit, entered);
    }
    return text.str();
  }

  std::string text_of(const host_walk &walk) const {
    std::ostringstream text;
    text << "3." << minor << ":";
    for (uint32_t i = 0; i < walk.python_count; i++) {
      const uint64_t frame = walk.frames[walk.frame_count + i];
      put_text(text, MP_PYTHON_FRAME_CODE(frame), MP_PYTHON_FRAME_UNIT(frame), MP_PYTHON_FRAME_ENTRY(frame));
    }
    return text.str();
  }

  const int minor;

 private:
  static void put_text(std::ostream &text, uint64_t code, int64_t unit, bool entered) {
    text << ' ' << std::hex << code << std::dec << '+';
    unit < 0 || unit >= MP_PYTHON_NO_UNIT ? text << '?' : text << unit;
    if (entered) text << '!';
  }

  Tables tables_ = tables_of({MP_RULE(MP_CFA_RSP, 0, 8)});
};

// Walks that could not be finished since the process was made.
inline uint64_t incomplete_walks() {
  return host.counters[MP_COUNTER_PYTHON_INCOMPLETE];
}
