// The walk of Python frames where all is well: which frames it gives, in which order, for which versions. The images
// are those of made_python.h; a comment says what a test adds.
#include "check.h"
#include "made_python.h"

TEST(gives_code_unit_and_entry_mark_of_every_frame_in_order) {
  for (int minor : kMinors) {
    for (size_t count : {1, 2, 3, 21, 500}) {
      MadePython made(minor);
      made.put_frames(made.nested(count));
      const host_walk walk = made.walk();
      CHECK_EQ(made.text_of(walk), made.expected());
      CHECK_EQ(walk.status, uint32_t{MP_STACK_COMPLETE});
      CHECK_EQ(incomplete_walks(), 0u);
    }
  }
}

TEST(python_frames_follow_the_native_ones) {
  for (int minor : kMinors) {
    for (uint32_t native : {1, 2, 40}) {
      MadePython made(minor);
      made.put_native(native);
      made.put_frames(made.nested(5));
      const host_walk walk = made.walk();
      CHECK_EQ(walk.frame_count, native);
      for (uint32_t i = 0; i < native; i++) CHECK_EQ(walk.frames[i], in_function(0));
      CHECK_EQ(made.text_of(walk), made.expected());
    }
  }
}

TEST(a_process_without_an_interpreter_has_no_python_frames) {
  MadePython made(11);
  made.put_frames(made.nested(5));
  host.python_count = 0;
  CHECK_EQ(made.walk().python_count, 0u);
  CHECK_EQ(incomplete_walks(), 0u);
}

// Three frames on the stack of frames; the one in the middle begins at each place near the end of a page, so that it
// lies before it, across it or behind it.
TEST(a_frame_can_lie_across_the_end_of_a_page) {
  for (int minor : kMinors) {
    for (uint64_t back = 0; back <= MP_PYTHON_MAX_FRAME + 8; back += 8) {
      MadePython made(minor);
      const uint64_t middle = kFrames + 4096 - back;
      made.put_frames({{middle + 160, kCodes, 4}, {middle, kCodes + 208, 9}, {middle - 160, kCodes + 416, 2, true}});
      CHECK_EQ(made.text_of(made.walk()), made.expected());
      CHECK_EQ(incomplete_walks(), 0u);
    }
  }
}

// The page of the only frame has no neighbour: nothing but the frame's own page may be asked for.
TEST(a_frame_can_lie_anywhere_in_a_page_that_stands_alone) {
  for (int minor : kMinors) {
    MadePython made(minor);
    const uint64_t last = 4096 - made.python.frame_size;
    for (uint64_t offset = 0; offset <= last; offset += 8) {
      made.put_frames({{kFrames + offset, kCodes, 1, true}});
      CHECK_EQ(made.text_of(made.walk()), made.expected());
    }
    CHECK_EQ(incomplete_walks(), 0u);
  }
}

TEST(frames_can_lie_on_pages_of_their_own) {
  for (int minor : kMinors) {
    MadePython made(minor);
    std::vector<MadeFrame> frames = made.nested(40);
    for (size_t i = 0; i < frames.size(); i++) frames[i].address = kFrames + i * 17 % 40 * 8192 + i * 96;
    made.put_frames(frames);
    CHECK_EQ(made.text_of(made.walk()), made.expected());
    CHECK_EQ(incomplete_walks(), 0u);
  }
}

// A generator's frame lies in the generator, which is an object, between frames on the stack.
TEST(frames_of_generators_lie_elsewhere) {
  for (int minor : {11, 12, 13}) {
    MadePython made(minor);
    std::vector<MadeFrame> frames = made.nested(12);
    for (size_t i = 1; i < frames.size(); i += 3) frames[i].address = kHeap + i * 0x1230;
    made.put_frames(frames);
    if (made.has_shims())
      for (size_t i = 1; i < frames.size(); i += 3)
        made.memory.put(frames[i].address + made.python.frame_entry, uint8_t{1});  // FRAME_OWNED_BY_GENERATOR
    CHECK_EQ(made.text_of(made.walk()), made.expected());
    CHECK_EQ(incomplete_walks(), 0u);
  }
}

// 16 frames of 128 bytes in a page, as they lie on the stack of frames.
TEST(frames_of_a_stack_are_read_many_at_a_time) {
  for (int minor : {11, 12, 13}) {
    MadePython made(minor);
    std::vector<MadeFrame> frames = made.nested(16);
    for (size_t i = 0; i < frames.size(); i++) frames[i] = {kFrames + 4096 - (i + 1) * 128, kCodes, 1, i == 15};
    made.put_frames(frames);
    made.hold_lock();
    made.walk();  // finds the key
    made.memory.reads = 0;
    CHECK_EQ(made.text_of(made.walk()), made.expected());
    // the native stack, the state, the frame it points to; all of the frames at once, and the outermost shim frame
    CHECK_EQ(made.memory.reads, 4u + made.has_c_frame() + made.has_shims());
  }
}

TEST(a_walk_sees_what_changed_since_the_last_one) {
  for (int minor : kMinors) {
    MadePython made(minor);
    std::vector<MadeFrame> frames = made.nested(4);
    made.put_frames(frames);
    CHECK_EQ(made.text_of(made.walk()), made.expected());
    frames[0].unit = 77;
    frames[3].code += 0x1000;
    made.put_frames(frames);
    CHECK_EQ(made.text_of(made.walk()), made.expected());
  }
}

// Only the bits of the flag count: is_entry stands between other fields of one byte each.
TEST(fields_beside_the_entry_mark_do_not_matter) {
  for (int minor : {11, 12, 13}) {
    for (uint8_t beside : {0, 1, 3, 0xff}) {
      MadePython made(minor);
      const std::vector<MadeFrame> frames = made.nested(7);
      made.put_frames(frames);
      for (const MadeFrame &frame : frames) {
        made.memory.put(frame.address + made.python.frame_entry - 1, beside);
        made.memory.put(frame.address + made.python.frame_entry + 1, beside);
      }
      CHECK_EQ(made.text_of(made.walk()), made.expected());
    }
  }
}

// The innermost frame is a shim frame between native ones. The stack pointer is none: what the native walk copied
// begins at an odd address, where no frame can.
TEST(a_frame_can_lie_in_the_native_stack) {
  for (int minor : {12, 13}) {
    MadePython made(minor);
    made.put_frames(made.nested(3));
    made.put_shim(kStack + 64, made.frames[0].address);
    made.put_current(kStack + 64);
    for (uint64_t stack_pointer : {kStack, kStack + 4}) {
      made.memory.put(stack_pointer, uint64_t{0});
      CHECK_EQ(made.text_of(made.walk(kPythonSeed, stack_pointer)), made.expected());
      CHECK_EQ(incomplete_walks(), 0u);
    }
  }
}

// The loop is about to run its first frame.
TEST(a_shim_frame_alone_is_no_frame) {
  for (int minor : {12, 13}) {
    MadePython made(minor);
    made.put_shim(kCStack, 0);
    made.put_current(kCStack);
    CHECK_EQ(made.walk().python_count, 0u);
    made.put_frames(made.nested(3));
    made.put_shim(kCStack + 0x8000, made.frames[0].address);
    made.put_current(kCStack + 0x8000);
    CHECK_EQ(made.text_of(made.walk()), made.expected());
    CHECK_EQ(incomplete_walks(), 0u);
  }
}

TEST(an_instruction_before_the_first_or_too_far_has_no_unit) {
  for (int minor : kMinors) {
    MadePython made(minor);
    for (int64_t unit : {-1, 0, 1, 0x7fffe, 0x7ffff, 0x80000, 0x100000, 0x3fffffff}) {
      made.put_frames({{kHeap, kCodes, unit, true}});
      CHECK_EQ(made.text_of(made.walk()), made.expected());
    }
    if (made.python.instruction_kind != MP_PYTHON_ADDRESS) continue;
    for (uint64_t instruction : {uint64_t{0}, kCodes, uint64_t{1} << 63, ~uint64_t{0}}) {
      made.memory.put(kHeap + made.python.frame_instruction, instruction);
      CHECK_EQ(MP_PYTHON_FRAME_UNIT(made.walk().frames[1]), MP_PYTHON_NO_UNIT);
    }
  }
}

// 3.13 may mark references in their lowest bits.
TEST(low_bits_of_a_code_pointer_do_not_count) {
  for (int minor : {12, 13}) {
    MadePython made(minor);
    made.put_frames({{kFrames, kCodes, 6, true}});
    made.memory.put(kFrames + made.python.frame_code, kCodes | 1);
    CHECK_EQ(made.text_of(made.walk()), made.expected());
  }
}

// ---- the current thread ----

TEST(a_thread_without_state_or_frames_has_no_python_frames) {
  for (int minor : kMinors) {
    MadePython made(minor);
    CHECK_EQ(made.walk().python_count, 0u);  // state, but no frame
    made.put_frames(made.nested(3));
    const uint64_t to_frame = made.has_c_frame() ? kCFrame : made.frames[0].address;
    made.memory.put(kState + made.python.thread_frame, uint64_t{0});
    CHECK_EQ(made.walk().python_count, 0u);
    made.memory.put(kState + made.python.thread_frame, to_frame);
    made.memory.put(made.value_of(kKeyNumber), uint64_t{0});
    CHECK_EQ(made.walk().python_count, 0u);
    made.memory.put(made.value_of(kKeyNumber), kState);
    host.thread_pointer = 0;
    CHECK_EQ(made.walk().python_count, 0u);
    host.thread_pointer = kThread;
    CHECK_EQ(made.walk().python_count, 3u);
    CHECK_EQ(incomplete_walks(), 0u);
  }
}

TEST(each_thread_has_a_state_of_its_own) {
  MadePython made(10);
  made.put_frames(made.nested(3));
  const uint64_t other_thread = kThread + 0x801000, other_state = kState + 0x2000;
  made.memory.put(other_thread + made.python.tss_values + kKeyNumber * 16 + 8, other_state);
  made.memory.put(other_state + made.python.thread_frame, made.frames[1].address);
  CHECK_EQ(made.walk().python_count, 3u);
  host.thread_pointer = other_thread;
  CHECK_EQ(made.walk().python_count, 2u);
}

// A thread that runs a subinterpreter: up to 3.11 its pthread key still leads to its first state.
TEST(the_state_that_holds_the_lock_goes_before_that_of_the_key) {
  for (int minor : kMinors) {
    MadePython made(minor);
    made.put_frames(made.nested(3));
    if (!made.python.current_address) continue;
    const uint64_t other_state = kState + 0x2000, other_c_frame = kCFrame + 0x400;
    made.memory.map(other_state, 4096);
    made.memory.put(other_state + made.python.thread_frame,
                    made.has_c_frame() ? other_c_frame : made.frames[1].address);
    if (made.has_c_frame()) made.memory.put(other_c_frame + made.python.c_frame_frame, made.frames[1].address);
    made.memory.put(other_state + made.python.thread_id, kThread);
    made.put_holder(other_state);
    CHECK_EQ(made.walk().python_count, 2u);
    // another thread holds the lock
    made.memory.put(other_state + made.python.thread_id, kThread + 0x801000);
    CHECK_EQ(made.text_of(made.walk()), made.expected());
    made.memory.unmap(other_state);
    CHECK_EQ(made.text_of(made.walk()), made.expected());
    CHECK_EQ(incomplete_walks(), 0u);
  }
}

TEST(the_key_is_found_once_it_is_initialized) {
  for (int minor : kMinors) {
    MadePython made(minor);
    made.put_frames(made.nested(3));
    made.put_key(0, 0);
    CHECK_EQ(made.walk().python_count, 0u);
    CHECK_EQ(made.python.tss_key, MP_PYTHON_NO_KEY);
    made.put_key(1, kKeyNumber);
    CHECK_EQ(made.text_of(made.walk()), made.expected());
    CHECK_EQ(made.python.tss_key, kKeyNumber);
    // from now on it is known
    made.memory.unmap(kKey);
    CHECK_EQ(made.text_of(made.walk()), made.expected());
    CHECK_EQ(incomplete_walks(), 0u);
  }
}

TEST(a_key_that_cannot_be_read_is_none_yet) {
  MadePython made(12);
  made.put_frames(made.nested(3));
  made.memory.unmap(kKey);
  CHECK_EQ(made.walk().python_count, 0u);
  CHECK_EQ(made.python.tss_key, MP_PYTHON_NO_KEY);
  made.put_key(1, kKeyNumber);
  CHECK_EQ(made.walk().python_count, 3u);
  CHECK_EQ(incomplete_walks(), 0u);
}

// glibc keeps the values of the first 32 keys in struct pthread. What follows them there is something else: here, an
// address that would lead to frames.
TEST(only_the_first_keys_are_looked_up) {
  for (uint32_t key : {0u, 31u, 32u, 33u, 1023u, 0x80000000u, 0xfffffffeu, 0xffffffffu}) {
    MadePython made(11);
    made.put_frames(made.nested(3));
    made.put_key(1, key);
    if (key < 4096) made.memory.put(made.value_of(key), kState);
    for (int i = 0; i < 2; i++) CHECK_EQ(made.walk().python_count, key < 32 ? 3u : 0u);
    CHECK_EQ(made.python.tss_key, key);
    CHECK_EQ(incomplete_walks(), 0u);
  }
}
