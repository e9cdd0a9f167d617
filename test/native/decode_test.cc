// Events of the ring: each kind reaches its handler when its length is right, and nothing does otherwise.
#include "decode.h"

#include <memory>
#include <vector>

#include "check.h"

using namespace mp;

namespace {

enum Called { NOTHING, FREE, ALLOCATE, REMAP, STACK, TASK, CODE, V8 };

struct Recorder : EventHandler {
  Called called = NOTHING;
  int calls = 0;
  mp_event event{};
  uint64_t value = 0;  // one field of the body
  std::vector<uint64_t> frames;
  std::vector<uint8_t> line_table;
  std::vector<mp_v8_place> v8_places;

  void note(Called handler, const mp_event &header, uint64_t field) {
    called = handler;
    calls++;
    event = header;
    value = field;
  }
  void on_free(const mp_event_free &e) override { note(FREE, e.event, e.address); }
  void on_allocate(const mp_event_allocate &e) override { note(ALLOCATE, e.event, e.stack); }
  void on_remap(const mp_event_remap &e) override { note(REMAP, e.to.event, e.old_size_bytes); }
  void on_task(const mp_event_task &e) override { note(TASK, e.event, e.code); }
  void on_stack(const mp_event_stack &e, const uint64_t *first) override {
    note(STACK, e.event, e.stack);
    frames.assign(first, first + e.frame_count + e.python_count);
  }
  void on_python_code(const mp_event_python_code &e, const uint8_t *table) override {
    note(CODE, e.event, e.code);
    line_table.assign(table, table + std::min<uint32_t>(e.line_table_length, MP_PYTHON_MAX_LINE_TABLE));
  }
  void on_v8_places(const mp_event_v8_places &e, const mp_v8_place *first) override {
    note(V8, e.event, e.begun);
    v8_places.assign(first, first + e.count);
  }
};

// Bytes that end where their memory ends, so that the sanitizer sees a read behind them.
class Bytes {
 public:
  explicit Bytes(size_t size_bytes) : words_(new uint64_t[(size_bytes + 7) / 8]()), size_bytes_(size_bytes) {}

  template <class T>
  static Bytes of(const T &event, size_t size_bytes = sizeof(T)) {
    Bytes bytes(size_bytes);
    memcpy(bytes.words_.get(), &event, std::min(size_bytes, sizeof(T)));
    return bytes;
  }
  bool decode(Recorder *recorder) const { return decode_event(words_.get(), size_bytes_, *recorder); }
  uint64_t *words() { return words_.get(); }

 private:
  std::unique_ptr<uint64_t[]> words_;
  size_t size_bytes_;
};

mp_event header_of(unsigned kind) {
  return {static_cast<uint8_t>(kind), MP_ALLOCATOR_REALLOC, MP_FLAG_COMMITS_RELEASE, MP_STACK_NO_RULE, 11, 12, 0, 13};
}

struct Kind {
  unsigned kind;
  Called handler;
  size_t size_bytes;
};

constexpr Kind kKinds[] = {
    {MP_EVENT_ALLOCATE, ALLOCATE, sizeof(mp_event_allocate)},
    {MP_EVENT_FREE, FREE, sizeof(mp_event_free)},
    {MP_EVENT_RELEASE, FREE, sizeof(mp_event_free)},
    {MP_EVENT_COMMIT, FREE, sizeof(mp_event_free)},
    {MP_EVENT_CANCEL, FREE, sizeof(mp_event_free)},
    {MP_EVENT_UNMAP, ALLOCATE, sizeof(mp_event_allocate)},
    {MP_EVENT_SAMPLE, ALLOCATE, sizeof(mp_event_allocate)},
    {MP_EVENT_REMAP, REMAP, sizeof(mp_event_remap)},
    {MP_EVENT_STACK, STACK, sizeof(mp_event_stack)},
    {MP_EVENT_THREAD, TASK, sizeof(mp_event_task)},
    {MP_EVENT_EXEC, TASK, sizeof(mp_event_task)},
    {MP_EVENT_EXIT, TASK, sizeof(mp_event_task)},
    {MP_EVENT_MAPPINGS, TASK, sizeof(mp_event_task)},
    {MP_EVENT_THREAD_EXIT, TASK, sizeof(mp_event_task)},
    {MP_EVENT_FORK, TASK, sizeof(mp_event_task)},
    {MP_EVENT_SELF_STOP, TASK, sizeof(mp_event_task)},
    {MP_EVENT_PYTHON_CODE, CODE, sizeof(mp_event_python_code)},
    {MP_EVENT_V8_PLACES, V8, sizeof(mp_event_v8_places)},
};

Called expected_handler(unsigned kind) {
  for (const Kind &known : kKinds)
    if (known.kind == kind) return known.handler;
  return NOTHING;
}

}  // namespace

TEST(every_kind_of_the_contract_is_known) {
#define X(id, NAME, meaning) CHECK(expected_handler(id) != NOTHING);
  MP_EVENTS(X)
#undef X
}

TEST(each_kind_reaches_its_handler) {
  for (const Kind &kind : kKinds) {
    Recorder recorder;
    CHECK(Bytes::of(header_of(kind.kind), kind.size_bytes).decode(&recorder));
    CHECK_EQ(recorder.called, kind.handler);
    CHECK_EQ(recorder.calls, 1);
    CHECK_EQ(memcmp(&recorder.event, Bytes::of(header_of(kind.kind)).words(), sizeof(mp_event)), 0);
  }
}

TEST(an_event_of_another_length_is_refused) {
  for (const Kind &kind : kKinds) {
    for (size_t size_bytes = 0; size_bytes <= 96; size_bytes++) {
      if (size_bytes == kind.size_bytes) continue;
      Recorder recorder;
      CHECK(!Bytes::of(header_of(kind.kind), size_bytes).decode(&recorder));
      CHECK_EQ(recorder.calls, 0);
    }
  }
}

TEST(an_unknown_kind_is_refused) {
  for (unsigned kind = 0; kind < 256; kind++) {
    if (expected_handler(kind) != NOTHING) continue;
    for (const Kind &known : kKinds) {
      Recorder recorder;
      CHECK(!Bytes::of(header_of(kind), known.size_bytes).decode(&recorder));
      CHECK_EQ(recorder.calls, 0);
    }
  }
}

TEST(fields_arrive_as_they_were_sent) {
  Recorder recorder;
  CHECK(Bytes::of(mp_event_free{header_of(MP_EVENT_RELEASE), 0xfedcba9876543210}).decode(&recorder));
  CHECK_EQ(recorder.value, 0xfedcba9876543210u);
  CHECK(Bytes::of(mp_event_allocate{header_of(MP_EVENT_UNMAP), 1, 2, ~uint64_t{0}}).decode(&recorder));
  CHECK_EQ(recorder.value, ~uint64_t{0});
  CHECK(Bytes::of(mp_event_remap{{header_of(MP_EVENT_REMAP), 1, 2, 3}, 4, 5}).decode(&recorder));
  CHECK_EQ(recorder.value, 5u);
  CHECK(Bytes::of(mp_event_task{header_of(MP_EVENT_EXIT), "0123456789abcde", 139, 0}).decode(&recorder));
  CHECK_EQ(recorder.value, 139u);
}

TEST(a_stack_has_as_many_frames_as_it_says) {
  for (uint32_t count : {0, 1, 2, 100, MP_MAX_FRAMES - 1, MP_MAX_FRAMES + 0}) {
    Bytes bytes =
        Bytes::of(mp_event_stack{header_of(MP_EVENT_STACK), 99, count, 0, 0, 0}, sizeof(mp_event_stack) + count * 8);
    for (uint32_t i = 0; i < count; i++) bytes.words()[sizeof(mp_event_stack) / 8 + i] = 0x7f0000000000 + i;
    Recorder recorder;
    CHECK(bytes.decode(&recorder));
    CHECK_EQ(recorder.value, 99u);
    REQUIRE(recorder.frames.size() == count);
    for (uint32_t i = 0; i < count; i++) CHECK_EQ(recorder.frames[i], 0x7f0000000000 + i);
  }
}

TEST(a_stack_that_says_another_number_is_refused) {
  const size_t room = 4;
  for (uint32_t count :
       {0u, 3u, 5u, uint32_t{MP_MAX_FRAMES}, uint32_t{MP_MAX_FRAMES} + 1, 0x20000004u, 0x80000004u, 0xffffffffu}) {
    Recorder recorder;
    CHECK(!Bytes::of(mp_event_stack{header_of(MP_EVENT_STACK), 1, count, 0, 0, 0}, sizeof(mp_event_stack) + room * 8)
               .decode(&recorder));
    CHECK_EQ(recorder.calls, 0);
  }
}

TEST(a_stack_deeper_than_the_limit_is_refused) {
  const uint32_t count = MP_MAX_FRAMES + 1;
  Recorder recorder;
  CHECK(!Bytes::of(mp_event_stack{header_of(MP_EVENT_STACK), 1, count, 0, 0, 0}, sizeof(mp_event_stack) + count * 8)
             .decode(&recorder));
  CHECK_EQ(recorder.calls, 0);
}

TEST(python_frames_follow_the_native_ones) {
  for (const auto &[native, python] : {std::pair{0u, 3u}, {2u, 1u}, {3u, 0u}}) {
    Bytes bytes =
        Bytes::of(mp_event_stack{header_of(MP_EVENT_STACK), 99, native, python, 0, 0}, sizeof(mp_event_stack) + 3 * 8);
    Recorder recorder;
    CHECK(bytes.decode(&recorder));
    CHECK_EQ(recorder.frames.size(), 3u);
  }
}

TEST(a_stack_with_too_many_frames_in_all_is_refused) {
  for (const auto &[native, python] :
       {std::pair{4u, 1u}, {0u, 5u}, {0xffffffffu, 5u}, {5u, 0xffffffffu}, {0x80000002u, 0x80000002u}}) {
    Recorder recorder;
    CHECK(!Bytes::of(mp_event_stack{header_of(MP_EVENT_STACK), 1, native, python, 0, 0}, sizeof(mp_event_stack) + 4 * 8)
               .decode(&recorder));
  }
  const size_t size_bytes = sizeof(mp_event_stack) + (MP_MAX_FRAMES + 1) * 8;
  Recorder recorder;
  CHECK(!Bytes::of(mp_event_stack{header_of(MP_EVENT_STACK), 1, MP_MAX_FRAMES, 1, 0, 0}, size_bytes).decode(&recorder));
}

mp_event_python_code code_event(uint32_t line_table_length, uint32_t name_length, uint32_t file_length) {
  mp_event_python_code event = {};
  event.event = header_of(MP_EVENT_PYTHON_CODE);
  event.line_table_length = line_table_length;
  event.name_length = name_length;
  event.file_length = file_length;
  return event;
}

TEST(a_line_table_follows_a_code_object_and_may_be_cut) {
  const uint32_t most = MP_PYTHON_MAX_LINE_TABLE;
  for (const auto &[length, copied] : {std::pair{0u, 0u}, {7u, 7u}, {most, most}, {most + 1, most}, {1u << 30, most}}) {
    Recorder recorder;
    CHECK(Bytes::of(code_event(length, 60, 512), sizeof(mp_event_python_code) + copied).decode(&recorder));
    CHECK_EQ(recorder.line_table.size(), copied);
  }
}

TEST(a_code_object_of_another_length_is_refused) {
  Recorder recorder;
  CHECK(!Bytes::of(code_event(8, 60, 60), sizeof(mp_event_python_code) + 7).decode(&recorder));
  CHECK(!Bytes::of(code_event(8, 60, 60), sizeof(mp_event_python_code) + 9).decode(&recorder));
  CHECK(!Bytes::of(code_event(0, MP_PYTHON_MAX_STRING + 1, 60)).decode(&recorder));
  CHECK(!Bytes::of(code_event(0, 60, 0xffffffff)).decode(&recorder));
  CHECK_EQ(recorder.calls, 0);
}

mp_event_v8_places v8_event(uint32_t count) {
  return {header_of(MP_EVENT_V8_PLACES), 99, 98, count, 0};
}

TEST(javascript_places_are_as_many_as_it_says) {
  for (uint32_t count : {0, 1, 2, 100, MP_MAX_V8_FRAMES - 1, MP_MAX_V8_FRAMES + 0}) {
    Bytes bytes = Bytes::of(v8_event(count), sizeof(mp_event_v8_places) + count * sizeof(mp_v8_place));
    uint64_t *words = bytes.words() + sizeof(mp_event_v8_places) / 8;
    for (uint32_t i = 0; i < count; i++) {
      const mp_v8_place place = {i + 1000, i + 6000};
      memcpy(words + i * (sizeof(place) / 8), &place, sizeof(place));
    }
    Recorder recorder;
    CHECK(bytes.decode(&recorder));
    CHECK_EQ(recorder.value, 99u);
    REQUIRE(recorder.v8_places.size() == count);
    for (uint32_t i = 0; i < count; i++) {
      CHECK_EQ(recorder.v8_places[i].place, i + 1000);
      CHECK_EQ(recorder.v8_places[i].shared, i + 6000);
    }
  }
}

TEST(javascript_places_of_another_number_are_refused) {
  const size_t room = 4;
  const uint32_t most = MP_MAX_V8_FRAMES;
  // 0x20000004 and 0x80000004 places have the size of four in 32 bits
  for (uint32_t count : {0u, 3u, 5u, most, most + 1, 0x20000004u, 0x80000004u, 0xffffffffu}) {
    Recorder recorder;
    const size_t size_bytes = sizeof(mp_event_v8_places) + room * sizeof(mp_v8_place);
    CHECK(!Bytes::of(v8_event(count), size_bytes).decode(&recorder));
    CHECK_EQ(recorder.calls, 0);
  }
}

TEST(more_javascript_places_than_the_limit_are_refused) {
  const uint32_t count = MP_MAX_V8_FRAMES + 1;
  Recorder recorder;
  CHECK(!Bytes::of(v8_event(count), sizeof(mp_event_v8_places) + count * sizeof(mp_v8_place)).decode(&recorder));
  CHECK_EQ(recorder.calls, 0);
}

TEST(javascript_places_that_are_cut_or_too_long_are_refused) {
  const size_t whole = sizeof(mp_event_v8_places) + 3 * sizeof(mp_v8_place);
  for (size_t size_bytes = sizeof(mp_event_v8_places); size_bytes <= whole + sizeof(mp_v8_place); size_bytes++) {
    Recorder recorder;
    CHECK_EQ(Bytes::of(v8_event(3), size_bytes).decode(&recorder), size_bytes == whole);
    CHECK_EQ(recorder.calls, size_bytes == whole);
  }
}

// The ring aligns its samples to 8 bytes; so is every field of every event.
TEST(events_need_no_more_than_the_alignment_of_the_ring) {
  for (const Kind &kind : kKinds) {
    Bytes bytes(8 + kind.size_bytes);
    for (size_t word : {0, 1}) {
      const mp_event header = header_of(kind.kind);
      memset(bytes.words(), 0, 8 + kind.size_bytes);
      memcpy(bytes.words() + word, &header, sizeof(header));
      Recorder recorder;
      CHECK(decode_event(bytes.words() + word, kind.size_bytes, recorder));
      CHECK_EQ(recorder.event.time_ns, 13u);
    }
  }
}
