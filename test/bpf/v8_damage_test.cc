// JavaScript frames in memory that can't be read, or makes no sense. The processes are those of made_javascript.h.
#include "check_javascript.h"

TEST(slots_that_cannot_be_read) {
  for (const bool is_interpreted : {true, false}) {
    for (uint64_t below = 0; below < 40; below += 8) {  // bytes of the slots that are on the page of the frame pointer
      MadeJavaScript made;
      made.put({compiled(1), is_interpreted ? interpreted(2) : compiled(2), interpreted(3)});
      made.put(made.frames, kStack + 4096 - (made.frame_pointer(1) - kStack) + below);
      const uint64_t frame_pointer = made.frame_pointer(1);
      CHECK_EQ(frame_pointer % 4096, below);
      // only what the walk itself needs of the first frame stays
      const uint64_t link[] = {frame_pointer, made.frames[1].pc};
      const uint64_t apart = 0x7ffc00000000;
      made.memory.put_bytes(apart, link, sizeof(link));
      made.memory.unmap(kStack);
      host_walk walk{};
      walk.stack_seed = 7;
      walk.generation = 1;
      walk.pc = made.frames[0].pc;
      walk.sp = apart;
      walk.bp = apart;
      host_unwind(&walk);
      CHECK_EQ(walk.status, uint32_t{MP_STACK_COMPLETE});
      CHECK_EQ(walk.frame_count, 3u);
      // without a context it is no function's, and the offset is never there
      std::vector<mp_v8_place> expected = {made.expected()[2]};
      const JavaScriptFrame &frame = made.frames[1];
      const uint64_t array = below >= 32 ? frame.byte_code_array : 0;
      const uint64_t place = is_interpreted ? JavaScriptFrame::interpreted_place(array, 0) : frame.pc;
      if (below >= 8) expected.insert(expected.begin(), {place, below >= 16 ? frame.shared : 0});
      CHECK_SENT(made, expected);
    }
  }
}

TEST(an_interpreted_frame_that_cannot_be_read_has_a_hash) {
  MadeJavaScript made;
  made.put({JavaScriptFrame{in_function(INTERPRETER), 0, 0, 0, 0, 0, 0}});
  const uint64_t zero = made.walk().hash;
  made.put({interpreted(1)}, kStack + 4096 - 40);
  CHECK_EQ(made.frame_pointer(0) % 4096, 0u);
  CHECK(made.walk().hash != zero);
  made.memory.unmap(kStack);
  CHECK_EQ(made.walk(false, 7).hash, zero);
}

TEST(a_function_that_cannot_be_read_has_no_shared_function) {
  for (uint64_t function :
       {uint64_t{0}, uint64_t{1}, uint64_t{0x7000}, ~uint64_t{0}, uint64_t{1} << 63, kHeapTag - kToShared + 0ul}) {
    MadeJavaScript made;
    made.put({interpreted(2), compiled(3)});
    made.memory.put(made.frame_pointer(1) + MP_V8_FUNCTION, function);
    made.frames[1].function = function;
    made.frames[1].shared = 0;
    CHECK_EQ(made.walk().status, uint32_t{MP_STACK_COMPLETE});
    CHECK_SENT(made, made.expected());
  }
}

TEST(a_function_at_the_end_of_a_page_is_read_up_to_there) {
  MadeJavaScript made;
  for (uint64_t missing = 0; missing < 8; missing++) {
    JavaScriptFrame frame = compiled(3);
    const uint64_t page = kFunctions + (1 << 20);
    frame.function = page + 4096 - kToShared - 8 + missing + kHeapTag;
    made.memory.unmap(page);
    made.put({frame});
    made.memory.unmap(page + 4096);
    made.ring.clear();
    if (missing > 0) made.frames[0].shared = 0;
    made.walk(false, 7 + missing);
    CHECK_SENT(made, made.expected());
  }
}

TEST(frame_pointers_need_not_be_multiples_of_a_word) {
  for (uint64_t offset = 1; offset < 8; offset++) {
    MadeJavaScript made;
    made.put({interpreted(1), compiled(2), native(), interpreted(3)}, kStack + 4096 - 60 + offset);
    CHECK_EQ(made.walk().status, uint32_t{MP_STACK_COMPLETE});
    CHECK_SENT(made, made.expected());
  }
}

// ---- walks that break off ----

TEST(a_frame_pointer_of_zero_is_no_frame) {
  for (const JavaScriptFrame &frame : {compiled(1), compiled(2), interpreted(3)}) {
    MadeJavaScript made;
    made.put({frame});
    made.bp = 0;
    const host_walk walk = made.walk();
    CHECK_EQ(walk.status, uint32_t{MP_STACK_COMPLETE});
    CHECK_EQ(walk.frame_count, 1u);
    CHECK(made.ring.kinds == std::vector<uint8_t>{MP_EVENT_STACK});
  }
}

TEST(the_frame_in_which_a_walk_ends_is_sent) {
  for (const JavaScriptFrame &last : {compiled(4), compiled(5), interpreted(6)}) {
    // its caller's frame pointer and return address are on a page that is not there
    MadeJavaScript faults;
    faults.put({native(), interpreted(1), compiled(2), last}, kStack + 8192 - 3 * 56 - 8 + 8);
    faults.put(faults.frames, kStack + 8192 - 3 * 56 - 8 + 16);
    CHECK_EQ(faults.frame_pointer(3) % 4096, 0u);
    faults.memory.unmap(faults.frame_pointer(3));
    host_walk walk = faults.walk();
    CHECK_EQ(walk.status, uint32_t{MP_STACK_READ_FAULT});
    CHECK_EQ(walk.frame_count, 4u);
    CHECK_SENT(faults, faults.expected());

    // its frame pointer leads back
    MadeJavaScript loops;
    loops.put({native(), interpreted(1), compiled(2), last});
    loops.memory.put(loops.frame_pointer(2), loops.frame_pointer(1));
    walk = loops.walk();
    CHECK_EQ(walk.status, uint32_t{MP_STACK_NOT_GROWING});
    CHECK_EQ(walk.frame_count, 4u);
    CHECK_SENT(loops, loops.plain_places(loops.plain_walk()));
  }
}

TEST(frame_pointers_that_lead_nowhere) {
  for (const JavaScriptFrame &frame : {compiled(1), interpreted(2)}) {
    for (uint64_t bp : {uint64_t{1}, uint64_t{8}, uint64_t{39}, uint64_t{40}, uint64_t{0x6000}, kStack + (1 << 20)}) {
      MadeJavaScript made;
      made.put({frame});
      made.bp = bp;
      const uint32_t status = made.walk().status;
      CHECK_EQ(status, uint32_t(bp > kStack ? MP_STACK_READ_FAULT : MP_STACK_NOT_GROWING));
      CHECK(made.ring.kinds == std::vector<uint8_t>{MP_EVENT_STACK});
    }
  }
}

TEST(damaged_stacks_are_walked_as_the_plain_way_does) {
  size_t complete = 0;
  for (uint64_t seed = 0; seed < 500; seed++) {
    std::mt19937_64 random(seed);
    MadeJavaScript made;
    made.put(mixed(1 + random() % 60), kStack + random() % 512 * 8);
    const uint64_t begin = made.return_slot(0), bytes = made.return_slot(made.frames.size() - 1) - begin + 8;
    for (uint64_t i = random() % 4; i > 0; i--) {
      const uint64_t words[] = {begin + random() % bytes, compiled(random() % 50).pc, in_function(random() % 3),
                                random(), uint64_t{0}};
      made.memory.put(begin + random() % (bytes / 8) * 8, words[random() % 5]);
    }
    if (random() % 4 == 0) made.memory.unmap(begin + random() % bytes);
    const host_walk walk = made.walk();
    const ReferenceWalk plain = made.plain_walk();
    CHECK(same(walk, plain));
    complete += walk.status == MP_STACK_COMPLETE;
    CHECK_SENT(made, made.plain_places(plain));
  }
  CHECK(complete > 50 && complete < 450);
}

// The upper bits of an address of user code are 0. A register that is something else must not pass for one.
TEST(frame_pointers_that_are_no_addresses_of_user_memory) {
  for (const JavaScriptFrame &frame : {compiled(1), interpreted(2)}) {
    for (int bit = 48; bit < 64; bit++) {
      MadeJavaScript made;
      made.put({frame});
      made.bp = made.frame_pointer(0) | uint64_t{1} << bit;
      CHECK_EQ(made.walk().status, uint32_t{MP_STACK_READ_FAULT});
      CHECK(made.ring.kinds == std::vector<uint8_t>{MP_EVENT_STACK});
    }
  }
}
