// A process that runs JavaScript: a native stack with frames of machine code that V8 has made, of its interpreter, and
// of ordinary functions, and the JSFunctions that they point to.
//
//   below a frame pointer   context, JSFunction, number of arguments, byte code array, offset in it
//   kStack                  where the stack begins, innermost frame first
//   kJit                    machine code outside every mapping
//   kAnonymous              machine code in an anonymous mapping
//   kFunctions              JSFunctions; each leads to its SharedFunctionInfo
#pragma once

#include <cstring>

#include "made_stacks.h"
#include "paged_memory.h"

constexpr uint64_t kJit = 0x3a0000000000, kAnonymous = 0x3b0000000000, kFunctions = 0x3c0000000000;
constexpr uint32_t kToShared = 24, kHeapTag = 1;
enum { NATIVE = 0, INTERPRETER = 1 };  // functions of the module at kCode

struct JavaScriptFrame {
  uint64_t pc;
  // slots
  uint64_t context = 0, function = 0, argument_count = 0, byte_code_array = 0, byte_code_offset = 0;
  uint64_t shared = 0;  // where the function leads to

  bool is_interpreted() const { return pc == in_function(INTERPRETER); }
  bool is_native() const { return pc == in_function(NATIVE); }
  uint64_t place() const { return is_interpreted() ? interpreted_place(byte_code_array, byte_code_offset) : pc; }

  static bool is_object(uint64_t word) { return word % 4 == kHeapTag && word >> 47 == 0; }
  static uint64_t interpreted_place(uint64_t array, uint64_t offset) {
    const bool fits = static_cast<uint32_t>(offset) == 0 && offset >> 32 <= MP_V8_NO_OFFSET;
    return MP_V8_INTERPRETED(is_object(array) ? array : 0, fits ? offset >> 32 : MP_V8_NO_OFFSET);
  }
};

// Frames with slots that tell them apart.
inline JavaScriptFrame frame_at(uint64_t pc, uint64_t n) {
  return {pc,
          0x100001 + n * 16,
          kFunctions + kHeapTag + n * 64,
          n << 32,
          0x200001 + n * 16,
          (n + 50) << 32,
          0x300001 + n * 16};
}
inline JavaScriptFrame interpreted(uint64_t n) {
  return frame_at(in_function(INTERPRETER), n);
}
inline JavaScriptFrame compiled(uint64_t n) {
  return frame_at((n % 2 ? kJit : kAnonymous) + n * 256, n);
}
inline JavaScriptFrame native() {
  return {in_function(NATIVE)};
}

// The ring: what was put into it.
struct JavaScriptRing {
  struct Event {
    mp_event_v8_places head;
    std::vector<mp_v8_place> places;
  };
  std::vector<Event> events;
  std::vector<mp_event_stack> stacks;
  std::vector<uint8_t> kinds;  // of all, in order
  uint64_t room = UINT64_MAX;  // events that still fit
  size_t wrong_sizes = 0;      // events that are not as long as they say

  void use() {
    host.ring = this;
    host.output = [](void *ring, const void *event, uint64_t size_bytes) {
      return static_cast<JavaScriptRing *>(ring)->take(event, size_bytes);
    };
  }
  void clear() {
    events.clear();
    stacks.clear();
    kinds.clear();
  }

 private:
  long take(const void *event, uint64_t size_bytes) {
    if (room == 0) return -1;
    room--;
    kinds.push_back(static_cast<const mp_event *>(event)->kind);
    if (kinds.back() == MP_EVENT_STACK) {
      stacks.push_back(*static_cast<const mp_event_stack *>(event));
      wrong_sizes += size_bytes != sizeof(mp_event_stack) + 8ull * stacks.back().frame_count;
      return 0;
    }
    const auto &head = *static_cast<const mp_event_v8_places *>(event);
    const auto *places = reinterpret_cast<const mp_v8_place *>(&head + 1);
    wrong_sizes += size_bytes != sizeof(head) + head.count * sizeof(mp_v8_place);
    events.push_back({head, {places, places + (size_bytes - sizeof(head)) / sizeof(mp_v8_place)}});
    return 0;
  }
};

class MadeJavaScript {
 public:
  PagedMemory memory;
  JavaScriptRing ring;
  std::vector<JavaScriptFrame> frames;  // as last put, innermost first

  explicit MadeJavaScript(uint32_t process_flags = MP_PROCESS_V8 | MP_PROCESS_JAVASCRIPT)
      : tables_(tables_of({MP_RULE(MP_CFA_RSP, 0, 8), MP_RULE_V8_INTERPRETER})) {
    tables_.process_flags = process_flags;
    tables_.mappings.push_back({kAnonymous, kAnonymous + (1 << 24), 0, MP_NO_MODULE, 0});
    host = {};
    tables_.use(0);
    memory.use();
    ring.use();
    clear_rule_cache();
    host_forget_places();
    host.v8s[0] = {3, 3, kToShared, 0, 0};
  }
  MadeJavaScript(const MadeJavaScript &) = delete;

  // Lays the frames on one another from `stack_pointer` on.
  void put(const std::vector<JavaScriptFrame> &innermost_first, uint64_t stack_pointer = kStack) {
    frames = innermost_first;
    first_ = stack_pointer;
    return_slots_.clear();
    for (const JavaScriptFrame &frame : frames)
      return_slots_.push_back((return_slots_.empty() ? first_ : return_slots_.back() + 8) + size_of(frame) - 8);
    for (size_t i = 0; i < frames.size(); i++) {
      const JavaScriptFrame &frame = frames[i];
      const uint64_t caller = i + 1 < frames.size() ? frames[i + 1].pc : 0;
      memory.put(return_slot(i), caller);
      if (frame.is_native()) continue;
      memory.put(frame_pointer(i), frame_pointer_from(i + 1));
      const uint64_t slots[] = {frame.byte_code_offset, frame.byte_code_array, frame.argument_count, frame.function,
                                frame.context};
      memory.put_bytes(frame_pointer(i) - sizeof(slots), slots, sizeof(slots));
      memory.put(frame.function - kHeapTag + kToShared, frame.shared);
    }
  }

  // Of the n-th frame, which is not native.
  uint64_t frame_pointer(size_t n) const { return return_slot(n) - 8; }
  uint64_t return_slot(size_t n) const { return return_slots_[n]; }

  host_walk walk(bool skip_frame = false, uint32_t stack_seed = 7) {
    host_walk walk{};
    walk.skip_frame = skip_frame;
    walk.stack_seed = stack_seed;
    walk.generation = 1;
    walk.pc = frames[0].pc;
    walk.sp = first_;
    walk.bp = bp.value_or(frame_pointer_from(0));
    host_unwind(&walk);
    return walk;
  }
  // The same walk, as plain as can be.
  ReferenceWalk plain_walk() const {
    const auto read = [this](void *to, uint32_t size_bytes, uint64_t at) { return memory.read(to, size_bytes, at); };
    ReferenceWalk walk =
        ReferenceUnwinder(tables_, read).walk(frames[0].pc, first_, bp.value_or(frame_pointer_from(0)));
    for (const ReferenceV8Frame &frame : javascript_frames(walk))
      if (frame.is_interpreted)
        walk.frames[frame.index] = JavaScriptFrame::interpreted_place(word(frame.pointer + MP_V8_BYTE_CODE_ARRAY),
                                                                      word(frame.pointer + MP_V8_BYTE_CODE_OFFSET));
    return walk;
  }
  // What is to be sent of it.
  std::vector<mp_v8_place> plain_places(const ReferenceWalk &walk) const {
    std::vector<mp_v8_place> places;
    for (const ReferenceV8Frame &frame : javascript_frames(walk)) {
      const uint64_t function = word(frame.pointer + MP_V8_FUNCTION);
      const bool is_object = JavaScriptFrame::is_object(function);
      places.push_back(
          {walk.frames[frame.index], is_object ? word(function - kHeapTag + host.v8s[0].function_shared) : 0});
    }
    return places;
  }
  uint64_t hash_of(const std::vector<JavaScriptFrame> &innermost_first) {
    put(innermost_first);
    return walk().hash;
  }

  // What is to be sent of the frames, `limit` of them.
  std::vector<mp_v8_place> expected(size_t limit = MP_MAX_V8_FRAMES) const {
    std::vector<mp_v8_place> places;
    for (const JavaScriptFrame &frame : frames)
      if (!frame.is_native() && places.size() < limit) places.push_back({frame.place(), frame.shared});
    return places;
  }
  // The words of the stack.
  std::vector<uint64_t> places() const {
    std::vector<uint64_t> words;
    for (const JavaScriptFrame &frame : frames) words.push_back(frame.place());
    return words;
  }

  std::optional<uint64_t> bp;  // the register, if it is not the innermost frame pointer

 private:
  // 0 if it can't be read.
  uint64_t word(uint64_t address) const {
    uint64_t value;
    return memory.read(&value, 8, address) ? value : 0;
  }
  // Those of functions, as many as are sent.
  std::vector<ReferenceV8Frame> javascript_frames(const ReferenceWalk &walk) const {
    std::vector<ReferenceV8Frame> functions;
    if (!(host.processes[0].flags & MP_PROCESS_JAVASCRIPT)) return functions;
    for (const ReferenceV8Frame &frame : walk.v8_frames) {
      if (frame.pointer >> 48 || functions.size() == MP_MAX_V8_FRAMES) continue;  // the former: no user memory
      if (JavaScriptFrame::is_object(word(frame.pointer + MP_V8_CONTEXT))) functions.push_back(frame);
    }
    return functions;
  }
  static uint64_t size_of(const JavaScriptFrame &frame) { return frame.is_native() ? 8 : 7 * 8; }
  // The register in the n-th frame: native functions keep it. 0: the outermost one has none.
  uint64_t frame_pointer_from(size_t n) const {
    while (n < frames.size() && frames[n].is_native()) n++;
    return n < frames.size() ? frame_pointer(n) : 0;
  }

  Tables tables_;
  uint64_t first_ = kStack;
  std::vector<uint64_t> return_slots_;
};

inline bool operator==(const mp_v8_place &a, const mp_v8_place &b) {
  return memcmp(&a, &b, sizeof(a)) == 0;
}

// All kinds of frames on one another.
inline std::vector<JavaScriptFrame> mixed(size_t count) {
  std::vector<JavaScriptFrame> frames;
  for (size_t i = 0; i < count; i++)
    frames.push_back(i % 4 == 0 ? native() : i % 4 == 1 ? interpreted(i) : compiled(i + i % 4 * 100));
  return frames;
}
