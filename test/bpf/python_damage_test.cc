// The walk of Python frames where memory is damaged, missing or hostile: it ends, what it found before stays, and it is
// counted. The images are those of made_python.h; a comment says what is wrong with them.
#include "check.h"
#include "made_python.h"
#include "python_reference.h"

namespace {

// One walk that finds the first `count` frames and is counted as incomplete.
#define CHECK_ENDS_AFTER(made, count)                   \
  do {                                                  \
    const uint64_t before = incomplete_walks();         \
    const host_walk walk = made.walk();                 \
    CHECK_EQ(made.text_of(walk), made.expected(count)); \
    CHECK_EQ(walk.status, uint32_t{MP_STACK_COMPLETE}); \
    CHECK_EQ(walk.frame_count, 1u);                     \
    CHECK_EQ(incomplete_walks(), before + 1);           \
  } while (0)

// Frames on pages of their own, none of them entered but the outermost.
std::vector<MadeFrame> one_on_each_page(size_t count) {
  std::vector<MadeFrame> frames;
  for (size_t i = 0; i < count; i++)
    frames.push_back({kFrames + (count - i) * 8192, kCodes + i * 208, int64_t(i), i + 1 == count});
  return frames;
}

}  // namespace

// ---- what cannot be read ----

TEST(a_state_that_cannot_be_read_gives_no_frames) {
  for (int minor : kMinors) {
    MadePython made(minor);
    made.put_frames(made.nested(5));
    made.memory.unmap(kState);
    CHECK_ENDS_AFTER(made, 0);
  }
}

TEST(values_of_keys_that_cannot_be_read_give_no_frames) {
  for (int minor : kMinors) {
    MadePython made(minor);
    made.put_frames(made.nested(5));
    made.memory.unmap(made.value_of(kKeyNumber));
    CHECK_ENDS_AFTER(made, 0);
  }
}

TEST(a_c_frame_that_cannot_be_read_gives_no_frames) {
  for (int minor : {11, 12}) {
    MadePython made(minor);
    made.put_frames(made.nested(5));
    made.memory.unmap(kCFrame);
    CHECK_ENDS_AFTER(made, 0);
  }
}

TEST(a_frame_that_cannot_be_read_ends_the_walk) {
  for (int minor : kMinors) {
    for (size_t missing = 0; missing < 6; missing++) {
      MadePython made(minor);
      made.put_frames(one_on_each_page(6));
      made.memory.unmap(made.frames[missing].address);
      CHECK_ENDS_AFTER(made, missing);
    }
  }
}

TEST(a_shim_frame_that_cannot_be_read_ends_the_walk) {
  for (int minor : {12, 13}) {
    MadePython made(minor);
    std::vector<MadeFrame> frames = one_on_each_page(6);
    frames[3].entered = true;
    made.put_frames(frames);
    made.memory.unmap(made.shim_address(3));
    frames[3].entered = false;  // nothing is known of that
    made.frames = frames;
    CHECK_ENDS_AFTER(made, 4);
  }
}

// The second frame begins before the end of a page, the next page is not there.
TEST(a_frame_whose_end_cannot_be_read_ends_the_walk) {
  for (int minor : kMinors) {
    MadePython made(minor);
    const uint64_t size_bytes = made.python.frame_size;
    for (uint64_t readable = 8; readable <= size_bytes; readable += 8) {
      const uint64_t page_end = kHeap + 0x5000;
      made.put_frames({{kHeap, kCodes, 1}, {page_end - readable, kCodes + 208, 2, true}});
      made.memory.unmap(page_end);
      if (readable < size_bytes) {
        CHECK_ENDS_AFTER(made, 1);
      } else {
        CHECK_EQ(made.text_of(made.walk()), made.expected());
      }
    }
  }
}

TEST(a_previous_frame_at_an_address_of_nothing_ends_the_walk) {
  for (int minor : kMinors) {
    for (uint64_t nothing : {uint64_t{8}, uint64_t{4096}, kHeap + 0x100000, uint64_t{1} << 47, uint64_t{1} << 63,
                             ~uint64_t{0} - 7, ~uint64_t{0} - 71, ~uint64_t{0} - 111, ~uint64_t{4095}}) {
      MadePython made(minor);
      made.put_frames(one_on_each_page(3));
      made.put_previous(made.frames[1].address, nothing);
      CHECK_ENDS_AFTER(made, 2);
    }
  }
}

TEST(a_misaligned_frame_ends_the_walk) {
  for (int minor : kMinors) {
    for (uint64_t offset = 1; offset < 8; offset++) {
      MadePython made(minor);
      made.put_frames(made.nested(4));
      made.put_current(made.frames[0].address + offset);
      CHECK_ENDS_AFTER(made, 0);
      made.put_current(made.frames[0].address);
      made.put_frames(one_on_each_page(4));
      made.put_previous(made.frames[1].address, made.frames[2].address + offset);
      CHECK_ENDS_AFTER(made, 2);
    }
  }
}

// ---- frames without end ----

// From the third frame on, `previous` leads back to it, over one, two or three frames.
TEST(a_loop_of_frames_ends) {
  for (int minor : kMinors) {
    for (size_t length : {1, 2, 3}) {
      MadePython made(minor);
      std::vector<MadeFrame> frames = one_on_each_page(2 + length);
      frames.back().entered = false;
      made.put_frames(frames);
      made.put_previous(frames.back().address, frames[2].address);
      while (frames.size() < MP_MAX_FRAMES) frames.push_back(frames[frames.size() - length]);
      made.frames = frames;
      CHECK_ENDS_AFTER(made, MP_MAX_FRAMES - 1);
    }
  }
}

TEST(a_loop_of_shim_frames_ends) {
  for (int minor : {12, 13}) {
    MadePython made(minor);
    made.put_frames(one_on_each_page(2));
    made.put_shim(made.shim_address(1), made.shim_address(1));
    CHECK_ENDS_AFTER(made, 2);
    made.put_current(made.shim_address(1));
    CHECK_ENDS_AFTER(made, 0);
  }
}

TEST(the_limit_of_frames_holds_for_native_and_python_ones_together) {
  for (int minor : kMinors) {
    for (uint32_t native : {1, 2, 1000, MP_MAX_FRAMES - 1, MP_MAX_FRAMES + 0}) {
      const uint32_t room = MP_MAX_FRAMES - native;
      MadePython made(minor);
      made.put_native(native);
      std::vector<MadeFrame> frames = made.nested(room + 1);
      for (MadeFrame &frame : frames) frame.entered = false;
      made.put_frames(frames);
      host_walk walk = made.walk();
      CHECK_EQ(walk.frame_count, native);
      CHECK(made.text_of(walk) == made.expected(room));
      CHECK_EQ(incomplete_walks(), 1u);
      if (room == 0) continue;
      made.put_previous(made.frames[room - 1].address, 0);
      walk = made.walk();
      CHECK(made.text_of(walk) == made.expected(room));
      CHECK_EQ(incomplete_walks(), 1u);
    }
  }
}

// Every frame was entered: each takes two steps.
TEST(frames_and_shim_frames_have_a_limit_together) {
  const size_t limit = (MP_MAX_FRAMES + 4) / 2;
  for (int minor : {12, 13}) {
    MadePython made(minor);
    for (size_t count : {limit - 1, limit, limit + 1}) {
      std::vector<MadeFrame> frames = made.nested(count);
      for (MadeFrame &frame : frames) frame.entered = true;
      made.put_frames(frames);
      const uint64_t before = incomplete_walks();
      CHECK(made.text_of(made.walk()) == made.expected(limit));
      CHECK_EQ(incomplete_walks(), before + (count > limit));
    }
  }
}

// ---- anything ----

// Frames on a few pages that overlap and lead anywhere: to one another, to themselves, beside one another, nowhere.
TEST(corrupt_frames_end_as_the_reference_says) {
  std::mt19937_64 random(5);
  size_t whole = 0, incomplete = 0, empty = 0, wrong = 0;
  for (int round = 0; round < 1800; round++) {
    MadePython made(kMinors[round % std::size(kMinors)]);
    made.put_native(1 + random() % 3);
    const auto anywhere = [&] {
      const uint64_t near = kFrames + random() % (4 * 4096) / 8 * 8, far = 4096 + (random() >> random() % 64);
      return random() % 64 ? near : random() % 2 ? near + random() % 8 : far;
    };
    const size_t count = 1 + random() % 20;
    std::vector<uint64_t> addresses;
    for (size_t i = 0; i < count; i++) addresses.push_back(anywhere());
    for (size_t i = 0; i < count; i++) {
      if (addresses[i] > kFrames * 2) continue;
      const uint64_t previous = random() % 8 == 0 ? 0 : random() % 16 ? addresses[random() % count] : anywhere();
      made.put_frame({addresses[i], kCodes + random() % 64 * 16, int64_t(random() % 4096) - 1, random() % 2 == 0},
                     previous);
      if (random() % 4 == 0) made.put_shim(addresses[i], previous);
    }
    if (random() % 8 == 0) made.memory.unmap(kFrames + random() % 4 * 4096);
    made.put_current(random() % 32 ? addresses[0] : anywhere());
    if (random() % 64 == 0) made.put_key(random() % 2, random() % 64);
    const host_walk walk = made.walk();
    const ReferencePython reference = ReferencePythonWalk(made.memory, made.python).walk(kThread, walk.frame_count);
    const uint64_t *python_frames = walk.frames + walk.frame_count;
    wrong += std::vector<uint64_t>(python_frames, python_frames + walk.python_count) != reference.frames;
    wrong += incomplete_walks() != reference.incomplete;
    wrong += made.python.tss_key != reference.key;
    (reference.incomplete ? incomplete : reference.frames.empty() ? empty : whole)++;
  }
  CHECK_EQ(wrong, 0u);
  CHECK(whole > 100);
  CHECK(incomplete > 500);
  CHECK(empty > 10);
}
