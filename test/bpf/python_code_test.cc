// What is sent of code objects, and when. The images are those of made_codes.h; a comment says what a test adds.
#include "check.h"
#include "made_codes.h"

// ---- copies ----

TEST(sends_the_parts_of_a_code_object) {
  for (int minor : kMinors) {
    MadeCodes made(minor, 3);
    const auto sent = made.sent();
    REQUIRE(sent.size() == 3);
    for (size_t n = 0; n < sent.size(); n++) {
      CHECK(is_whole(sent[n], n));  // innermost first
      const mp_event &header = sent[n].head.event;
      CHECK_EQ(header.kind, MP_EVENT_PYTHON_CODE);
      CHECK_EQ(header.pid, HOST_PID);
      CHECK_EQ(header.tid, HOST_TID);
      CHECK_EQ(header.time_ns, HOST_TIME_NS);
    }
    CHECK_EQ(made.ring.wrong_sizes, 0u);
  }
}

// A str object begins 16 bytes farther from the end of its page in each turn. The next page is there, or is not.
TEST(copies_a_string_up_to_the_end_of_its_page) {
  for (bool next_page : {false, true}) {
    for (uint64_t before_end = 16; before_end <= MP_PYTHON_MAX_STRING + 32; before_end += 16) {
      MadeCodes made(11);
      const uint64_t address = kNames + 0x9000 - before_end;
      const std::vector<uint8_t> bytes = filled(MP_PYTHON_MAX_STRING, 7);
      made.put_string(made.code(0) + made.python.code_name, address, bytes);
      if (!next_page) made.memory.unmap(kNames + 0x9000);
      const auto sent = made.sent();
      REQUIRE(sent.size() == 1);
      const mp_event_python_code &head = sent[0].head;
      uint64_t length = std::min<uint64_t>(before_end, MP_PYTHON_MAX_STRING);
      if (next_page) length = MP_PYTHON_MAX_STRING;
      if (length < 40) length = 0;  // not even the header of a str object
      CHECK_EQ(head.name_length, length);
      CHECK(holds(head.name, head.name_length, bytes));
      CHECK_EQ(head.file_length, uint32_t{MP_PYTHON_MAX_STRING});
      CHECK_EQ(head.line_table_length, kLineTableBytes);
    }
  }
}

TEST(copies_line_tables_of_every_length) {
  for (int minor : kMinors) {
    for (uint64_t length : {0, 1, 7, 4063, 4064, 4065, 8191, 8192, 8193, 30000}) {
      MadeCodes made(minor);
      const auto bytes = MadeCodes::line_table_bytes(0, length);
      made.put_line_table(0, length, bytes);
      const auto sent = made.sent();
      REQUIRE(sent.size() == 1);
      CHECK_EQ(sent[0].head.line_table_length, length);
      CHECK_EQ(sent[0].line_table.size(), std::min<size_t>(length, MP_PYTHON_MAX_LINE_TABLE));
      CHECK(holds(sent[0].line_table.data(), sent[0].line_table.size(), bytes));
      CHECK_EQ(made.ring.wrong_sizes, 0u);
    }
  }
}

// The length is no length of bytes that are there.
TEST(a_hostile_length_of_a_line_table_does_no_harm) {
  const auto bytes = MadeCodes::line_table_bytes(0, MP_PYTHON_MAX_LINE_TABLE);
  for (uint64_t length : {uint64_t{1} << 31, (uint64_t{1} << 31) - 1, (uint64_t{1} << 32) - 1, uint64_t{1} << 32,
                          (uint64_t{1} << 32) + 8, uint64_t{1} << 63, ~uint64_t{0}, ~uint64_t{0} - 8191}) {
    MadeCodes made(11);
    made.put_line_table(0, length, bytes);
    auto sent = made.sent();
    REQUIRE(sent.size() == 1);
    CHECK_EQ(sent[0].head.line_table_length, 0x7fffffffu);
    CHECK(sent[0].line_table == bytes);
    CHECK_EQ(sent[0].head.name_length, uint32_t{MP_PYTHON_MAX_STRING});

    made.memory.unmap(made.line_table(0) + 4096);
    sent = made.sent(kPythonSeed + 1);
    REQUIRE(sent.size() == 1);
    CHECK_EQ(sent[0].head.line_table_length, 0u);
    CHECK_EQ(sent[0].line_table.size(), 0u);
    CHECK_EQ(made.ring.wrong_sizes, 0u);
  }
}

// ---- what cannot be read ----

TEST(a_code_object_that_cannot_be_read_is_sent_without_parts) {
  for (int minor : kMinors) {
    MadeCodes made(minor, 3);
    made.memory.unmap(made.code(1));
    const auto sent = made.sent();
    REQUIRE(sent.size() == 3);
    CHECK(is_whole(sent[0], 0));
    CHECK(is_whole(sent[2], 2));
    const mp_event_python_code &head = sent[1].head;
    CHECK_EQ(head.code, made.code(1));
    CHECK_EQ(head.first_line, 0u);
    CHECK_EQ(head.name_length, 0u);
    CHECK_EQ(head.file_length, 0u);
    CHECK_EQ(head.line_table_length, 0u);
    CHECK_EQ(sent[1].line_table.size(), 0u);
  }
}

// A code object at each place before the end of a page; what of it lies behind it cannot be read.
TEST(the_parts_that_can_be_read_are_sent) {
  for (int minor : kMinors) {
    for (uint64_t readable = 8; readable <= 144; readable += 8) {
      MadeCodes made(minor);
      const mp_python &layout = made.python;
      const uint64_t code = kCodes + 0x9000 - readable;
      made.memory.put(code + layout.code_first_line, uint32_t{100});
      made.memory.put(code + layout.code_name, made.name(0));
      made.memory.put(code + layout.code_file, made.file(0));
      made.memory.put(code + layout.code_line_table, made.line_table(0));
      made.memory.unmap(kCodes + 0x9000);
      made.put_frames({{kFrames, code, 1, true}});
      const auto sent = made.sent();
      REQUIRE(sent.size() == 1);
      const auto is_readable = [&](uint16_t field, uint64_t size_bytes) { return field + size_bytes <= readable; };
      const mp_event_python_code &head = sent[0].head;
      CHECK_EQ(head.first_line, is_readable(layout.code_first_line, 4) ? 100u : 0u);
      CHECK_EQ(head.name_length, is_readable(layout.code_name, 8) ? 512u : 0u);
      CHECK_EQ(head.file_length, is_readable(layout.code_file, 8) ? 512u : 0u);
      CHECK_EQ(head.line_table_length, is_readable(layout.code_line_table, 8) ? kLineTableBytes : 0u);
    }
  }
}

TEST(a_part_that_cannot_be_read_is_left_out) {
  for (int part = 0; part < 3; part++) {
    MadeCodes made(12, 3);
    made.memory.unmap(part == 0 ? made.name(1) : part == 1 ? made.file(1) : made.line_table(1));
    const auto sent = made.sent();
    REQUIRE(sent.size() == 3);
    CHECK(is_whole(sent[0], 0));
    CHECK(is_whole(sent[2], 2));
    const mp_event_python_code &head = sent[1].head;
    CHECK_EQ(head.first_line, 101u);
    CHECK_EQ(head.name_length, part == 0 ? 0u : 512u);
    CHECK_EQ(head.file_length, part == 1 ? 0u : 512u);
    CHECK_EQ(head.line_table_length, part == 2 ? 0u : kLineTableBytes);
    CHECK_EQ(made.ring.wrong_sizes, 0u);
  }
}

TEST(addresses_of_nothing_do_no_harm) {
  for (uint64_t nothing : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 47, uint64_t{1} << 63, ~uint64_t{0},
                           ~uint64_t{0} - 16, ~uint64_t{0} - 40, ~uint64_t{0} - 511}) {
    MadeCodes made(13);
    for (uint16_t field : {made.python.code_name, made.python.code_file, made.python.code_line_table})
      made.memory.put(made.code(0) + field, nothing);
    const auto sent = made.sent();
    REQUIRE(sent.size() == 1);
    CHECK_EQ(sent[0].head.name_length, 0u);
    CHECK_EQ(sent[0].head.file_length, 0u);
    CHECK_EQ(sent[0].head.line_table_length, 0u);
    made.put_frames({{kFrames, nothing / 8 * 8 % kCodes, 1, true}});  // the code object itself
    CHECK_EQ(made.sent(kPythonSeed + 1).size(), 1u);
  }
}

// ---- once ----

TEST(a_code_object_is_sent_once) {
  for (int minor : kMinors) {
    MadeCodes made(minor, 4);
    CHECK_EQ(made.sent().size(), 4u);
    CHECK_EQ(made.ring.stacks, 1u);
    CHECK_EQ(made.ring.codes_before_stack, 4u);
    CHECK_EQ(made.sent().size(), 0u);
    CHECK_EQ(made.ring.stacks, 0u);
    // another stack with them
    made.put_native(2);
    CHECK_EQ(made.sent().size(), 0u);
    CHECK_EQ(made.ring.stacks, 1u);
    // one more that is new, among others that are not
    made.put_code(4);
    std::vector<MadeFrame> frames = made.frames;
    frames.insert(frames.begin() + 2, {kHeap, made.code(4), 1, true});
    made.put_frames(frames);
    const auto sent = made.sent();
    REQUIRE(sent.size() == 1);
    CHECK(is_whole(sent[0], 4));
  }
}

TEST(a_function_that_calls_itself_is_sent_once) {
  MadeCodes made(11);
  std::vector<MadeFrame> frames = made.nested(50);
  for (MadeFrame &frame : frames) frame.code = made.code(0);
  made.put_frames(frames);
  CHECK_EQ(made.sent().size(), 1u);
}

TEST(another_image_of_the_process_has_other_code) {
  MadeCodes made(10, 2);
  CHECK_EQ(made.sent(1).size(), 2u);
  CHECK_EQ(made.sent(2).size(), 2u);
  CHECK_EQ(made.sent(1).size(), 0u);
}

TEST(nothing_is_sent_without_python_frames) {
  MadeCodes made(9, 2);
  made.put_current(0);
  CHECK_EQ(made.sent().size(), 0u);
  CHECK_EQ(made.ring.stacks, 1u);
}

TEST(a_full_ring_is_counted_and_what_did_not_fit_is_sent_next_time) {
  for (uint64_t room = 0; room < 4; room++) {
    MadeCodes made(12, 4);
    made.ring.room = room;
    CHECK_EQ(made.sent().size(), room);
    CHECK_EQ(made.ring.stacks, 0u);
    CHECK_EQ(host.counters[MP_COUNTER_RING_DROPPED], 4 - room);
    made.ring.room = UINT64_MAX;
    const auto sent = made.sent();
    REQUIRE(sent.size() == 4 - room);
    for (size_t i = 0; i < sent.size(); i++) CHECK(is_whole(sent[i], room + i));
    CHECK_EQ(made.ring.stacks, 1u);
    CHECK_EQ(host.counters[MP_COUNTER_RING_DROPPED], 4 - room);
    CHECK_EQ(made.sent().size(), 0u);
  }
}

// A stack is small and finds room where code objects with their line tables find none.
TEST(a_stack_is_not_sent_before_all_of_its_code_objects) {
  MadeCodes made(12, 4);
  made.put_line_table(2, 5000, MadeCodes::line_table_bytes(2, 5000));
  made.ring.largest = 4096;
  CHECK_EQ(made.sent().size(), 3u);
  CHECK_EQ(made.ring.stacks, 0u);
  CHECK_EQ(host.counters[MP_COUNTER_RING_DROPPED], 1u);
  made.ring.largest = UINT64_MAX;
  const auto sent = made.sent();
  REQUIRE(sent.size() == 1);
  CHECK_EQ(sent[0].head.code, made.code(2));
  CHECK_EQ(made.ring.stacks, 1u);
  CHECK_EQ(made.sent().size(), 0u);
  CHECK_EQ(made.ring.stacks, 0u);
}

TEST(every_frame_of_the_deepest_stack_is_sent) {
  MadeCodes made(13);
  std::vector<MadeFrame> frames = made.nested(MP_MAX_FRAMES - 1);
  for (size_t i = 0; i < frames.size(); i++) frames[i].entered = i + 1 == frames.size();
  made.put_frames(frames);
  CHECK_EQ(made.sent().size(), frames.size());
  CHECK_EQ(made.sent().size(), 0u);
}

// ---- freed ----

TEST(code_at_the_address_of_a_freed_object_is_sent_and_makes_another_stack) {
  for (int minor : kMinors) {
    MadeCodes made(minor, 3);
    CHECK_EQ(made.sent().size(), 3u);
    const uint64_t hash = made.walk().hash;
    host_forget_code(made.code(1), kPythonSeed);
    made.memory.put(made.code(1) + made.python.code_first_line, uint32_t{555});
    const auto sent = made.sent();
    REQUIRE(sent.size() == 1);
    CHECK_EQ(sent[0].head.code, made.code(1));
    CHECK_EQ(sent[0].head.first_line, 555u);
    CHECK(made.walk().hash != hash);
  }
}

// Its stack may be known all the same.
TEST(code_that_was_sent_and_forgotten_can_be_freed) {
  for (int minor : kMinors) {
    MadeCodes made(minor, 3);
    CHECK_EQ(made.sent().size(), 3u);
    const uint64_t hash = made.walk().hash;
    host.seen_count = 0;
    host_forget_code(made.code(1), kPythonSeed);
    CHECK(made.walk().hash != hash);
  }
}

TEST(other_code_can_be_freed) {
  MadeCodes made(11, 2);
  CHECK_EQ(made.sent().size(), 2u);
  const uint64_t hash = made.walk().hash;
  host_forget_code(kCodes + 0x100000, kPythonSeed);
  CHECK_EQ(made.walk().hash, hash);
  CHECK_EQ(made.sent().size(), 0u);
}
