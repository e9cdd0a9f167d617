#include "sqlite/event_decoder.h"

#include <random>

#include "check.h"
#include "event_chunks.h"

using namespace mp;

namespace {

constexpr uint8_t kFresh = 1;

// malloc(24) at 0x1000 by site 0, freed by thread 1, malloc(24) by site 0 again, which gets the block that was freed.
//
//   kind      new, new, the older of two     new kind  operation 0, function 1, owner 0; operation 1, function 2, owner
//   1 time      10 steps, 1 step, 1 step       size      24, the last place     anywhere, first in its list    distance
//   1                         address   0x1000 / 16, a multiple of 16
const std::vector<Bytes> kStreams = {
    {2, 2, 4},
    {},
    {},  //
    {9, 128 + 2 * (11 - 7)},
    {0b01},
    {0b00010011},  // 9 = 1 * 9 + 0; 2323 = (256 + 2) * 9 + 1 = 2048 + 0b0100010011
    {20, 2, 2},
    {},
    {},  //
    {26, 0},
    {},
    {},  //
    {3, 0},
    {},
    {},  //
    {1},
    {},
    {},  //
    {128 + 2 * (10 - 7)},
    {0},
    {0},  // 1024 = 4 * 0x1000 / 16
};

ByteSpan span(const Bytes &bytes) {
  return {bytes.data(), bytes.size()};
}

}  // namespace

TEST(decodes_allocation_free_and_allocation_of_the_same_block) {
  EventDecoder decoder;
  const Bytes chunk = make_chunk(kFresh, kStreams);
  REQUIRE(decoder.open(span(chunk), 3));
  const auto first = decoder.next(), second = decoder.next(), third = decoder.next();
  REQUIRE(first && second && third);
  CHECK_EQ(first->time_ns, 1000);
  CHECK_EQ(first->operation, kEventAllocate);
  CHECK_EQ(first->allocator, uint8_t{1});
  CHECK_EQ(first->address, 0x1000u);
  CHECK_EQ(first->size_bytes, 24u);
  CHECK_EQ(second->time_ns, 1100);
  CHECK_EQ(second->operation, kEventFree);
  CHECK_EQ(second->owner, 1u);
  CHECK_EQ(second->address, 0x1000u);
  CHECK_EQ(third->time_ns, 1200);
  CHECK_EQ(third->address, 0x1000u);
  CHECK_EQ(third->size_bytes, 24u);
  CHECK(!decoder.next());
}

TEST(a_chunk_that_continues_nothing_is_refused) {
  EventDecoder decoder;
  const Bytes chunk = make_chunk(0, kStreams);
  CHECK(!decoder.open(span(chunk), 3));
  CHECK(decoder.open(span(make_chunk(kFresh, kStreams)), 3));
  CHECK(decoder.open(span(chunk), 3));
}

TEST(other_lengths_and_versions_are_refused) {
  Bytes chunk = make_chunk(kFresh, kStreams);
  for (const size_t count : {size_t{0}, size_t{2}, size_t{65'537}, SIZE_MAX})
    CHECK(!EventDecoder().open(span(chunk), count));
  for (size_t length = 0; length < chunk.size(); length++) CHECK(!EventDecoder().open({chunk.data(), length}, 3));
  chunk[0] = 0x20;
  CHECK(!EventDecoder().open(span(chunk), 3));
}

TEST(a_damaged_chunk_gives_addresses_and_times_in_range_or_nothing) {
  std::mt19937 random(7);
  EventDecoder decoder;
  size_t events = 0;
  for (int round = 0; round < 20'000; round++) {
    auto streams = kStreams;
    for (int change = 0; change < 3; change++) {
      auto &stream = streams[random() % streams.size()];
      if (random() % 4 == 0 || stream.empty())
        stream.push_back(random() % 256);
      else
        stream[random() % stream.size()] = random() % 256;
    }
    const Bytes chunk = make_chunk(round == 0 || random() % 50 == 0 ? kFresh : 0, streams);
    if (!decoder.open(span(chunk), 6)) continue;
    while (const auto event = decoder.next()) {
      events++;
      CHECK(event->address <= uint64_t{1} << 51);
      CHECK(event->time_ns < int64_t{1} << 53 && event->time_ns > -(int64_t{1} << 53));
      CHECK(event->operation < kEventOperations);
    }
  }
  CHECK(events > 1000);
}
