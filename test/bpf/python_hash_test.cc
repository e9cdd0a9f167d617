// Which stacks with Python frames are the same to BPF: those whose frames are, and whose code objects were not replaced
// by others at the same addresses. The images are those of made_python.h.
#include "check.h"
#include "made_python.h"

namespace {

uint64_t hash_of(MadePython *made, const std::vector<MadeFrame> &frames) {
  made->put_frames(frames);
  return made->walk().hash;
}

// Puts back what a test did to the generation of a code object.
struct KeptGeneration {
  explicit KeptGeneration(uint64_t code) : counter(*host_code_generation(code)), before(counter) {}
  ~KeptGeneration() { counter = before; }
  uint16_t &counter;
  const uint16_t before;
};

}  // namespace

TEST(the_same_frames_have_the_same_hash) {
  for (int minor : kMinors) {
    MadePython made(minor);
    const std::vector<MadeFrame> frames = made.nested(9);
    const uint64_t hash = hash_of(&made, frames);
    CHECK_EQ(made.walk().hash, hash);
    MadePython other(minor);
    CHECK_EQ(hash_of(&other, frames), hash);
    // where a frame lies is not what it is
    std::vector<MadeFrame> moved = frames;
    for (size_t i = 0; i < moved.size(); i++) moved[i].address = kHeap + i * 5000 / 8 * 8;
    CHECK_EQ(hash_of(&made, moved), hash);
  }
}

TEST(the_hash_depends_on_every_frame) {
  for (int minor : kMinors) {
    MadePython made(minor);
    const std::vector<MadeFrame> frames = made.nested(9);
    std::vector<uint64_t> hashes = {hash_of(&made, frames)};
    for (size_t i = 0; i < frames.size(); i++) {
      std::vector<MadeFrame> other = frames;
      other[i].code += 16;
      hashes.push_back(hash_of(&made, other));
      other = frames;
      other[i].unit++;
      hashes.push_back(hash_of(&made, other));
      other = frames;
      other[i].unit = -1;
      hashes.push_back(hash_of(&made, other));
      if (i > 0) {
        other = frames;
        std::swap(other[i].code, other[i - 1].code);
        std::swap(other[i].unit, other[i - 1].unit);
        hashes.push_back(hash_of(&made, other));
      }
      other = frames;
      other.erase(other.begin() + i);
      hashes.push_back(hash_of(&made, other));
    }
    std::sort(hashes.begin(), hashes.end());
    CHECK(std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end());
  }
}

TEST(the_hash_depends_on_where_the_loop_was_entered) {
  for (int minor : {11, 12, 13}) {
    MadePython made(minor);
    std::vector<MadeFrame> frames = made.nested(6);
    std::vector<uint64_t> hashes;
    for (unsigned entered = 0; entered < 1u << frames.size(); entered++) {
      for (size_t i = 0; i < frames.size(); i++) frames[i].entered = entered >> i & 1;
      hashes.push_back(hash_of(&made, frames));
    }
    std::sort(hashes.begin(), hashes.end());
    CHECK(std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end());
  }
}

TEST(the_hash_depends_on_the_native_frames_and_the_seed) {
  for (int minor : kMinors) {
    MadePython made(minor);
    made.put_frames(made.nested(9));
    const uint64_t hash = made.walk().hash;
    CHECK(made.walk(kPythonSeed + 1).hash != hash);
    made.put_native(2);
    CHECK(made.walk().hash != hash);
    made.put_native(1);
    CHECK_EQ(made.walk().hash, hash);
    made.put_frames({});
    CHECK(made.walk().hash != hash);
  }
}

TEST(the_hash_depends_on_the_generation_of_every_code_object) {
  for (int minor : kMinors) {
    MadePython made(minor);
    const std::vector<MadeFrame> frames = made.nested(9);
    const uint64_t hash = hash_of(&made, frames);
    for (const MadeFrame &frame : frames) {
      KeptGeneration generation(frame.code);
      for (uint16_t step : {1, 2, 255, 0x7fff, 0x8000, 0xffff}) {
        generation.counter = generation.before + step;
        CHECK(made.walk().hash != hash);
      }
    }
    CHECK_EQ(made.walk().hash, hash);
  }
}

// Another code object at the address runs another instruction: no instruction of a generation may look like one of
// another generation.
TEST(a_generation_does_not_stand_for_an_instruction) {
  for (int minor : kMinors) {
    MadePython made(minor);
    KeptGeneration generation(kCodes);
    std::vector<uint64_t> hashes;
    for (int number = 0; number < 64; number++) {
      generation.counter = number;
      for (int64_t unit = 0; unit < 64; unit++) hashes.push_back(hash_of(&made, {{kFrames, kCodes, unit, true}}));
    }
    std::sort(hashes.begin(), hashes.end());
    CHECK(std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end());
  }
}
