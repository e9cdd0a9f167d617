// Which stacks with JavaScript frames are the same to BPF, and when their places are sent. The processes are those of
// made_javascript.h.
#include "check_javascript.h"

// ---- which stacks are the same ----

TEST(the_same_frames_have_the_same_hash) {
  MadeJavaScript made;
  const uint64_t hash = made.hash_of(mixed(12));
  CHECK_EQ(made.walk().hash, hash);
  made.put(mixed(12), kStack + 4000);
  CHECK_EQ(made.walk().hash, hash);
  MadeJavaScript other;
  CHECK_EQ(other.hash_of(mixed(12)), hash);
}

TEST(the_hash_depends_on_what_is_interpreted) {
  MadeJavaScript made;
  const std::vector<JavaScriptFrame> frames = mixed(12);
  std::vector<uint64_t> hashes = {made.hash_of(frames)};
  for (size_t i = 0; i < frames.size(); i++) {
    std::vector<JavaScriptFrame> other = frames;
    other[i].pc += i % 4 == 1 ? 0 : 1;
    if (other[i].is_interpreted()) {
      other[i].byte_code_array += 64;
      hashes.push_back(made.hash_of(other));
      other = frames;
      other[i].byte_code_offset += uint64_t{1} << 32;
      hashes.push_back(made.hash_of(other));
      other = frames;
      std::swap(other[i].byte_code_offset, other[i].byte_code_array);
      hashes.push_back(made.hash_of(other));
    }
    if (i >= 4 && other[i].is_interpreted()) {
      other = frames;
      std::swap(other[i], other[i - 4]);
      hashes.push_back(made.hash_of(other));
    }
    other = frames;
    other.erase(other.begin() + i);
    hashes.push_back(made.hash_of(other));
  }
  std::sort(hashes.begin(), hashes.end());
  CHECK(std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end());
}

TEST(the_hash_does_not_depend_on_other_slots) {
  MadeJavaScript made;
  const std::vector<JavaScriptFrame> frames = mixed(12);
  const uint64_t hash = made.hash_of(frames);
  for (size_t i = 0; i < frames.size(); i++) {
    if (frames[i].is_native()) continue;
    std::vector<JavaScriptFrame> other = frames;
    other[i].context += 8;
    CHECK_EQ(made.hash_of(other), hash);
    other[i].function += 64 * 64;
    CHECK_EQ(made.hash_of(other), hash);
    other[i].argument_count += uint64_t{1} << 32;
    CHECK_EQ(made.hash_of(other), hash);
    other[i].shared += 8;
    CHECK_EQ(made.hash_of(other), hash);
    if (frames[i].is_interpreted()) continue;
    // machine code has something else there
    other[i].byte_code_array += 8;
    other[i].byte_code_offset += 8;
    CHECK_EQ(made.hash_of(other), hash);
  }
}

TEST(the_hash_depends_on_the_collections) {
  MadeJavaScript made;
  made.put(mixed(12));
  std::vector<uint64_t> hashes;
  for (uint32_t begun = 0; begun < 20; begun++) {
    for (uint32_t ended = 0; ended < 20; ended++) {
      host.v8s[0].begun = begun;
      host.v8s[0].ended = ended;
      hashes.push_back(made.walk().hash);
    }
  }
  std::sort(hashes.begin(), hashes.end());
  CHECK(std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end());
  // a frame of machine code suffices, and nothing but native frames does not
  for (const bool is_javascript : {true, false}) {
    made.put({native(), is_javascript ? compiled(1) : native()});
    const uint64_t hash = made.walk().hash;
    host.v8s[0].begun++;
    CHECK_EQ(made.walk().hash != hash, is_javascript);
  }
}

TEST(what_is_not_sent_is_no_part_of_the_hash) {
  MadeJavaScript made;
  std::vector<JavaScriptFrame> frames;
  for (size_t i = 0; i <= MP_MAX_V8_FRAMES; i++) frames.push_back(interpreted(i));
  const uint64_t hash = made.hash_of(frames);
  frames[MP_MAX_V8_FRAMES].byte_code_array += 8;
  CHECK_EQ(made.hash_of(frames), hash);
  frames[MP_MAX_V8_FRAMES - 1].byte_code_array += 8;
  CHECK(made.hash_of(frames) != hash);
}

// ---- the ring ----

TEST(places_come_before_the_stack_and_once) {
  const std::vector<uint8_t> once = {MP_EVENT_V8_PLACES, MP_EVENT_STACK};
  MadeJavaScript made;
  made.put(mixed(12));
  for (int i = 0; i < 3; i++) made.walk();
  CHECK(made.ring.kinds == once);
  // a stack with the same pcs, and one byte code further
  std::vector<JavaScriptFrame> frames = mixed(12);
  frames[5].byte_code_offset += uint64_t{1} << 32;
  made.put(frames);
  made.ring.clear();
  for (int i = 0; i < 3; i++) made.walk();
  CHECK(made.ring.kinds == once);
  // the same one, but the closure is another one
  frames[5].function += 64 * 64;
  made.put(frames);
  made.ring.clear();
  made.walk();
  CHECK(made.ring.kinds.empty());
}

TEST(a_stack_is_sent_again_after_a_collection) {
  MadeJavaScript made;
  made.put(mixed(12));
  made.walk();
  std::vector<uint64_t> stacks = {made.ring.stacks[0].stack};
  for (uint32_t *counter : {&host.v8s[0].begun, &host.v8s[0].ended, &host.v8s[0].begun, &host.v8s[0].ended}) {
    ++*counter;
    made.ring.clear();
    made.walk();
    made.walk();
    REQUIRE(made.ring.stacks.size() == 1);
    CHECK_EQ(made.ring.stacks[0].begun, host.v8s[0].begun);
    CHECK_EQ(made.ring.stacks[0].ended, host.v8s[0].ended);
    // nobody could read a function while it is moved
    const bool is_over = host.v8s[0].begun == host.v8s[0].ended;
    CHECK_SENT(made, is_over ? made.expected() : std::vector<mp_v8_place>());
    stacks.push_back(made.ring.stacks[0].stack);
  }
  std::sort(stacks.begin(), stacks.end());
  CHECK(std::adjacent_find(stacks.begin(), stacks.end()) == stacks.end());
}

TEST(a_place_is_sent_once) {
  MadeJavaScript made;
  made.put({interpreted(1), compiled(2), native(), compiled(3)});
  made.walk();
  CHECK_SENT(made, made.expected());
  made.ring.clear();
  made.put({compiled(3), interpreted(1), interpreted(4), compiled(2)});
  made.walk();
  CHECK_SENT(made, std::vector{made.expected()[2]});
  CHECK_EQ(made.ring.stacks.size(), 1u);
  made.ring.clear();
  made.put({compiled(2), compiled(3)});
  made.walk();
  CHECK(made.ring.kinds == std::vector<uint8_t>{MP_EVENT_STACK});
}

TEST(places_of_another_process_or_image_are_others) {
  MadeJavaScript made;
  made.put(mixed(12));
  for (uint32_t stack_seed = 1; stack_seed < 9; stack_seed++) {
    made.ring.clear();
    made.walk(false, stack_seed);
    CHECK_SENT(made, made.expected());
  }
}

// More places than are remembered: none is referred to that was never sent.
TEST(places_that_were_forgotten_are_sent_again) {
  MadeJavaScript made;
  std::vector<uint64_t> sent;
  size_t again = 0;
  constexpr uint64_t kPlaces = 3 << MP_SEEN_V8_PLACES_BITS >> 1;
  for (const uint64_t round : {0, 1}) {
    for (uint64_t first = 0; first < kPlaces; first += 256) {
      std::vector<JavaScriptFrame> frames;
      for (uint64_t i = 0; i < 256; i++) frames.push_back(frame_at(kJit + 16 * (first + i), i));
      if (round == 1) frames.push_back(native());  // another stack
      made.put(frames);
      made.ring.clear();
      made.walk();
      for (const auto &event : made.ring.events) {
        if (round == 1) again += event.places.size();
        for (const mp_v8_place &place : event.places) sent.push_back(place.place);
      }
    }
  }
  std::sort(sent.begin(), sent.end());
  sent.erase(std::unique(sent.begin(), sent.end()), sent.end());
  CHECK_EQ(sent.size(), kPlaces);
  CHECK(again > kPlaces / 4);
}

TEST(a_stack_whose_places_were_dropped_is_not_sent) {
  MadeJavaScript made;
  made.put(mixed(12));
  made.ring.room = 0;
  made.walk();
  CHECK(made.ring.kinds.empty());
  CHECK_EQ(host.counters[MP_COUNTER_RING_DROPPED], 1u);
  CHECK_EQ(host.seen_count, 0u);
  // then nothing is lost
  made.ring.room = UINT64_MAX;
  made.walk();
  made.walk();
  CHECK(made.ring.kinds == (std::vector<uint8_t>{MP_EVENT_V8_PLACES, MP_EVENT_STACK}));
  CHECK_SENT(made, made.expected());
  CHECK_EQ(host.counters[MP_COUNTER_RING_DROPPED], 1u);
}

TEST(places_are_not_sent_again_with_a_stack_that_was_dropped) {
  MadeJavaScript made;
  made.put(mixed(12));
  made.ring.room = 1;
  made.walk();
  CHECK(made.ring.kinds == std::vector<uint8_t>{MP_EVENT_V8_PLACES});
  CHECK_SENT(made, made.expected());
  CHECK_EQ(host.counters[MP_COUNTER_RING_DROPPED], 1u);
  made.ring.clear();
  made.ring.room = UINT64_MAX;
  made.walk();
  CHECK(made.ring.kinds == std::vector<uint8_t>{MP_EVENT_STACK});
}
