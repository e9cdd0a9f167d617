// Figures of heaps made by hand, and of those that are damaged, or change while they are read.
#include "check.h"
#include "heap/heap_pools.h"
#include "heap/heap_tracked.h"
#include "made_heap.h"

using namespace mp;

namespace {

constexpr int kFirstMinor = 8, kLastMinor = 13;

// An arena_object that has pools no more.
void put_former_arena(MadeHeap &made, int index) {
  const uint64_t pools = made.layout().arena_bytes / made.layout().pool_bytes;
  made.put(made.arenas() + index * sizeof(ArenaObject) + 8, 0x7f1234560000);
  made.put(made.arenas() + index * sizeof(ArenaObject) + 16, pools | pools << 32);
}

}  // namespace

TEST(counts_arenas_pools_and_blocks) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeHeap made(minor);
    for (int i = 0; i < 10; i++) made.floating();
    made.release(made.floating());
    made.put(made.pool(), 10);
    put_former_arena(made, 1);
    put_former_arena(made, 2);
    const auto pymalloc = made.figures().pymalloc;
    CHECK(pymalloc && pymalloc->blocks);
    const uint64_t arena = made.layout().arena_bytes, pool = made.layout().pool_bytes;
    CHECK_EQ(pymalloc->size_bytes, arena);
    CHECK_EQ(pymalloc->max_size_bytes, 3 * arena);
    CHECK_EQ(pymalloc->blocks->count, 10u);
    CHECK_EQ(pymalloc->blocks->allocated_bytes, 320u);
    const uint64_t free_blocks = (pool - 48) / 32 - 10;
    CHECK_EQ(pymalloc->blocks->free_bytes, (arena / pool - 1) * pool + free_blocks * 32);
  }
}

TEST(says_nothing_of_blocks_where_pools_make_no_sense) {
  for (const uint64_t used : {uint64_t{100000}, uint64_t{1} << 31}) {
    MadeHeap made(11);
    made.floating();
    made.put(made.pool(), used);
    const auto pymalloc = made.figures().pymalloc;
    CHECK(pymalloc && !pymalloc->blocks);
    CHECK_EQ(pymalloc->size_bytes, made.layout().arena_bytes);
  }
  MadeHeap made(11);
  made.floating();
  made.put(made.pool() + 32, uint64_t{77} << 32);  // size class
  CHECK(!made.figures().pymalloc->blocks);
}

TEST(reads_no_more_pools_than_the_limit_says) {
  MadeHeap made(9);
  FigureLimits limits;
  limits.pools = 0;
  CHECK(!made.figures(limits).pymalloc->blocks);
}

TEST(has_no_figures_of_pymalloc_without_arenas) {
  MadeHeap made(10);
  made.put(made.arenas(), 0);
  CHECK(!made.figures().pymalloc);
}

TEST(counts_tracked_objects) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeHeap made(minor);
    for (int i = 0; i < 300; i++) made.list({}, 0);
    CHECK_EQ(made.figures().tracked.value_or(0), 300u);
  }
}

TEST(does_not_count_lists_that_are_not_whole) {
  for (const uint64_t next : {uint64_t{0x7e0000000000}, uint64_t{1}, uint64_t{0}}) {
    MadeHeap made(12);
    const uint64_t first = made.list({}, 0), second = made.list({}, 0);
    made.put(second - 16, next == 0 ? first - 16 : next);
    CHECK(!made.figures().tracked);
  }
  MadeHeap collecting(12);
  collecting.put(collecting.generation(0) - kGenerations + kIsCollecting, 1);
  CHECK(!collecting.figures().tracked);
}

TEST(ends_in_a_circle_that_looks_whole) {
  MadeHeap made(13);
  const uint64_t first = made.list({}, 0) - 16, second = made.list({}, 0) - 16, third = made.list({}, 0) - 16;
  made.put(third, second);
  made.put(second + 8, third);
  made.put(first, second);
  CHECK(!made.figures().tracked);
  made.put(made.generation(2), made.generation(1));  // into another list
  made.put(made.generation(1) + 8, made.generation(2));
  CHECK(!made.figures().tracked);
}

TEST(counts_no_more_tracked_objects_than_the_limits_say) {
  MadeHeap made(8);
  for (int i = 0; i < 100; i++) made.list({}, 0);
  FigureLimits objects, copied;
  objects.tracked = 99;
  copied.copied_bytes = 16 << 10;
  CHECK(!made.figures(objects).tracked);
  CHECK(!made.figures(copied).tracked);
}

// The object is taken out after its neighbour has been copied, and its memory has other content when that is copied.
TEST(counts_again_where_an_object_has_been_taken_out_meanwhile) {
  MadeHeap made(11);
  uint64_t lists[3000];
  for (uint64_t &list : lists) list = made.list({}, 0) - 16;
  const uint64_t piece = lists[2000] / (16 << 10) * (16 << 10);
  bool is_taken_out = false;
  const MemoryReader reader = [&](uint64_t address, void *to, size_t size) {
    if (address == piece && !is_taken_out) {
      is_taken_out = true;
      size_t first = 0;  // in that piece
      while (lists[first] < piece) first++;
      made.put(lists[first - 1], lists[first + 1]);
      made.put(lists[first + 1] + 8, lists[first - 1]);
      made.put(lists[first], 0x1234);
      made.put(lists[first] + 8, 0x5678);
    }
    return made.copy(address, to, size);
  };
  const std::set<uint64_t> collectors{made.generation(0) - kGenerations};
  CHECK_EQ(count_tracked(reader, collectors, {1 << 20, 64 << 20}).value_or(0), 2999u);
  CHECK(is_taken_out);
}

TEST(finds_interned_strings) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++)
    for (const uint64_t count : {64, 100, 1000}) {
      MadeHeap made(minor);
      made.interned(count);
      const auto interned = made.figures().interned;
      CHECK(interned);
      CHECK_EQ(interned->count, count);
      CHECK_EQ(interned->size_bytes, 64 + made.interned_keys_bytes);
    }
}

TEST(takes_no_other_dict_for_that_of_interned_strings) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeHeap few(minor), different(minor), no_strings(minor), no_table(minor), no_memory(minor);
    few.interned(63);
    CHECK(!few.figures().interned);
    different.interned(100);
    const uint64_t value = different.interned_entries + (minor <= 10 ? 16 : 8);
    different.put(value, different.get(value) + 64);
    CHECK(!different.figures().interned);
    no_strings.interned(100);
    no_strings.put(no_strings.str_type + kTypeFlags, kReady);
    CHECK(!no_strings.figures().interned);
    const uint64_t dict = no_table.interned(100);
    no_table.put(dict + 32, 0x7e0000000000);
    CHECK(!no_table.figures().interned);
    no_memory.put(no_memory.interned(100) + 16, 1ull << 40);
    CHECK(!no_memory.figures().interned);
  }
}
