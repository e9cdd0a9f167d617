// What is recorded of JavaScript frames, and when it is sent. The processes are those of made_javascript.h.
#include "check_javascript.h"

namespace {

std::vector<uint64_t> words_of(const host_walk &walk) {
  return {walk.frames, walk.frames + walk.frame_count};
}

}  // namespace

// ---- places ----

TEST(places_of_every_frame_are_sent_in_order) {
  for (const auto &frames : {std::vector{compiled(0)}, std::vector{compiled(1)}, std::vector{interpreted(1)},
                             std::vector{native(), native(), interpreted(1)}, std::vector{compiled(1), native()},
                             std::vector{interpreted(1), interpreted(2), compiled(4), native(), compiled(5)}, mixed(2),
                             mixed(5), mixed(100)}) {
    MadeJavaScript made;
    made.put(frames);
    const host_walk walk = made.walk();
    CHECK_EQ(walk.status, uint32_t{MP_STACK_COMPLETE});
    CHECK(words_of(walk) == made.places());
    CHECK_SENT(made, made.expected());
    CHECK_EQ(host.counters[MP_COUNTER_RING_DROPPED], 0u);
  }
}

TEST(the_events_say_which_collections) {
  MadeJavaScript made;
  made.put(mixed(9));
  host.v8s[0].begun = 0xfffffff0;
  host.v8s[0].ended = 0xfffffff0;
  made.walk();
  REQUIRE(made.ring.events.size() == 1 && made.ring.stacks.size() == 1);
  const mp_event_v8_places &head = made.ring.events[0].head;
  CHECK_EQ(head.begun, 0xfffffff0u);
  CHECK_EQ(head.ended, 0xfffffff0u);
  CHECK_EQ(made.ring.stacks[0].begun, 0xfffffff0u);
  CHECK_EQ(made.ring.stacks[0].ended, 0xfffffff0u);
  CHECK_EQ(made.ring.stacks[0].event.flags, MP_FLAG_JAVASCRIPT);
  CHECK_EQ(head.event.pid, uint32_t{HOST_PID});
  CHECK_EQ(head.event.tid, uint32_t{HOST_TID});
  CHECK_EQ(head.pad, 0u);
}

// The stack begins everywhere in a page, so that slots lie across the end of it, and of what was copied at once.
TEST(frames_can_lie_anywhere_in_a_page) {
  MadeJavaScript made;
  for (uint64_t offset = 0; offset <= PagedMemory::kPageSize; offset += 8) {
    made.put(mixed(90), kStack + offset);
    made.ring.clear();
    const host_walk walk = made.walk(false, 7 + offset);
    CHECK_EQ(walk.status, uint32_t{MP_STACK_COMPLETE});
    CHECK_SENT(made, made.expected());
  }
}

TEST(a_walk_sees_what_changed_since_the_last_one) {
  MadeJavaScript made;
  std::vector<JavaScriptFrame> frames = mixed(20);
  made.put(frames);
  made.walk();
  for (JavaScriptFrame &frame : frames)
    if (!frame.is_native()) frame = frame_at(frame.is_interpreted() ? frame.pc : frame.pc + 64, frame.context * 3);
  made.ring.clear();
  made.put(frames);
  made.walk();
  CHECK_SENT(made, made.expected());
}

TEST(the_offset_of_the_shared_function_is_that_of_the_process) {
  MadeJavaScript made;
  made.put({compiled(1)});
  made.memory.put(made.frames[0].function - kHeapTag + 32, uint64_t{0xabcd});
  host.v8s[0].function_shared = 32;
  made.frames[0].shared = 0xabcd;
  made.walk();
  CHECK_SENT(made, made.expected());
}

TEST(the_innermost_frames_are_sent) {
  for (size_t count : {MP_MAX_V8_FRAMES - 1, MP_MAX_V8_FRAMES + 0, MP_MAX_V8_FRAMES + 1, 3 * MP_MAX_V8_FRAMES}) {
    MadeJavaScript made;
    std::vector<JavaScriptFrame> frames;
    for (size_t i = 0; i < count; i++) frames.push_back(i % 3 ? interpreted(i) : compiled(i));
    frames.insert(frames.begin() + 7, native());
    made.put(frames);
    const host_walk walk = made.walk();
    CHECK_EQ(walk.status, uint32_t{MP_STACK_COMPLETE});
    CHECK(same(walk, made.plain_walk()));
    CHECK_SENT(made, made.expected());
    CHECK_EQ(made.ring.events[0].head.count, std::min<size_t>(count, MP_MAX_V8_FRAMES));
  }
}

TEST(a_stack_deeper_than_the_limit_has_javascript_frames) {
  MadeJavaScript made;
  std::vector<JavaScriptFrame> frames(MP_MAX_FRAMES - 2, native());
  for (size_t i = 0; i < 5; i++) frames.push_back(interpreted(i));
  made.put(frames);
  CHECK_EQ(made.walk().status, uint32_t{MP_STACK_TRUNCATED});
  CHECK_SENT(made, made.expected(2));
}

// ---- what is no JavaScript ----

TEST(native_frames_have_no_slots) {
  MadeJavaScript made;
  made.put({native(), native()});
  made.walk();
  CHECK(made.ring.kinds == std::vector<uint8_t>{MP_EVENT_STACK});
}

TEST(a_process_without_a_known_v8_has_no_javascript_frames) {
  for (const uint32_t flags : {0, MP_PROCESS_V8 + 0}) {
    MadeJavaScript made(flags);
    made.put({native(), compiled(2), interpreted(1), native(), compiled(4)});
    const host_walk walk = made.walk();
    CHECK_EQ(walk.status, uint32_t{MP_STACK_COMPLETE});
    REQUIRE(walk.frame_count == made.frames.size());
    for (size_t i = 0; i < made.frames.size(); i++) CHECK_EQ(walk.frames[i], made.frames[i].pc);
    CHECK(made.ring.kinds == std::vector<uint8_t>{MP_EVENT_STACK});
    CHECK_EQ(made.ring.stacks[0].event.flags, 0);
  }
}

TEST(frames_of_no_function_are_native_ones) {
  MadeJavaScript made;
  made.put({compiled(2), interpreted(1), interpreted(3)});
  const uint64_t frame_type = 2 * 5;  // StackFrame::TypeToMarker
  for (const size_t i : {0, 1}) made.memory.put(made.frame_pointer(i) + MP_V8_CONTEXT, frame_type);
  const host_walk walk = made.walk();
  CHECK(words_of(walk) == (std::vector{made.frames[0].pc, made.frames[1].pc, made.frames[2].place()}));
  CHECK_SENT(made, std::vector{made.expected()[2]});
}

TEST(a_byte_code_array_that_is_none) {
  for (const uint64_t word :
       {uint64_t{0}, uint64_t{2}, uint64_t{3}, uint64_t{7} << 32, ~uint64_t{0}, uint64_t{1} << 47 | 1}) {
    MadeJavaScript made;
    JavaScriptFrame frame = interpreted(1);
    frame.byte_code_array = word;
    made.put({frame});
    CHECK(words_of(made.walk()) == std::vector<uint64_t>{MP_V8_INTERPRETED(0, 51)});
    CHECK_SENT(made, made.expected());
  }
}

TEST(an_offset_that_does_not_fit) {
  const uint64_t last = MP_V8_NO_OFFSET - 1;
  for (const auto &[slot, offset] : std::vector<std::pair<uint64_t, uint64_t>>{{last << 32, last},
                                                                               {(last + 1) << 32, last + 1},
                                                                               {(last + 2) << 32, last + 1},
                                                                               {~uint64_t{0}, last + 1},
                                                                               {uint64_t{5} << 32 | 1, last + 1}}) {
    MadeJavaScript made;
    JavaScriptFrame frame = interpreted(1);
    frame.byte_code_offset = slot;
    made.put({frame});
    CHECK(words_of(made.walk()) == std::vector<uint64_t>{MP_V8_INTERPRETED(frame.byte_code_array, offset)});
  }
}

TEST(without_v8_unknown_code_ends_the_walk) {
  MadeJavaScript made(MP_PROCESS_HOLD | MP_PROCESS_PYTHON);
  made.put({compiled(2), compiled(1), native()});
  const host_walk walk = made.walk();
  CHECK_EQ(walk.status, uint32_t{MP_STACK_NO_MAPPING});
  CHECK_EQ(walk.frame_count, 2u);
  // what is learned of one process is not believed of another
  host.processes[0].flags = MP_PROCESS_V8;
  CHECK_EQ(made.walk().status, uint32_t{MP_STACK_COMPLETE});
}

TEST(a_pc_that_is_no_address_of_user_code_ends_the_walk) {
  for (uint64_t pc : {(uint64_t{1} << 48) + 1, uint64_t{1} << 63, ~uint64_t{0}}) {
    MadeJavaScript made;
    made.put({compiled(2), frame_at(pc, 3)});
    CHECK_EQ(made.walk().status, uint32_t{MP_STACK_NO_MAPPING});
    CHECK_SENT(made, made.expected(1));
  }
}

TEST(walks_of_other_processes_do_not_inherit_frames) {
  MadeJavaScript made;
  made.put(mixed(50));
  made.walk();
  made.ring.clear();
  host.processes[0].flags = 0;
  made.put({native(), interpreted(1)});
  made.walk();
  CHECK(made.ring.kinds == std::vector<uint8_t>{MP_EVENT_STACK});
}

// The allocator is stepped over: a library that was just loaded, and is not known yet.
TEST(the_frame_of_the_allocator_itself_is_none) {
  MadeJavaScript made;
  const std::vector<JavaScriptFrame> frames = {compiled(1), compiled(2), interpreted(3)};
  made.put(frames);
  const host_walk walk = made.walk(true);
  CHECK(words_of(walk) == (std::vector{frames[1].place(), frames[2].place()}));
  std::vector<mp_v8_place> expected = made.expected();
  expected.erase(expected.begin());
  CHECK_SENT(made, expected);
}
