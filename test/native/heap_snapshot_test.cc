// Heaps made by hand: what is in them, and what is said of those that are damaged.
#include <algorithm>
#include <map>

#include "check.h"
#include "made_heap.h"

using namespace mp;

namespace {

constexpr int kFirstMinor = 8, kLastMinor = 13;

// Index of the object at an address; -1: there is none.
int index_of(const HeapSnapshot &heap, uint64_t address) {
  const auto found = std::find(heap.addresses.begin(), heap.addresses.end(), address);
  return found == heap.addresses.end() ? -1 : static_cast<int>(found - heap.addresses.begin());
}

uint64_t size_of(const HeapSnapshot &heap, uint64_t address) {
  const int index = index_of(heap, address);
  return index < 0 ? 0 : heap.sizes[index];
}

std::vector<uint64_t> referents(const HeapSnapshot &heap, uint64_t address) {
  std::vector<uint64_t> found;
  const int index = index_of(heap, address);
  for (uint32_t i = heap.first_target.at(index); i < heap.first_target.at(index + 1); i++)
    found.push_back(heap.addresses.at(heap.targets[i]));
  return found;
}

uint64_t problems_of(const HeapSnapshot &heap) {
  const HeapProblems &problems = heap.problems;
  return problems.links + problems.objects + problems.contents + problems.pools + problems.limits;
}

// Columns are of one length, and what they refer to is there.
void check_columns(const HeapSnapshot &heap) {
  const size_t count = heap.addresses.size();
  CHECK(heap.sizes.size() == count && heap.type_of.size() == count && heap.flags.size() == count);
  CHECK(heap.owners.size() == count && heap.reference_counts.size() == count);
  CHECK_EQ(heap.first_target.size(), count + 1);
  for (const uint32_t target : heap.targets) CHECK(target < count);
  for (const uint32_t type : heap.type_of) CHECK(type < heap.types.size());
}

}  // namespace

TEST(finds_tracked_objects_with_their_sizes_and_references) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeHeap made(minor);
    const uint64_t inner = made.list({}, 0), outer = made.list({inner, inner}, 4);
    const uint64_t dict = made.dict({{inner, outer}});
    const HeapSnapshot heap = made.read();
    check_columns(heap);
    CHECK_EQ(problems_of(heap), 0u);
    CHECK_EQ(size_of(heap, inner), 56u);
    CHECK_EQ(size_of(heap, outer), 56u + 4 * 8);
    // 8 indices and 5 entries, behind a header
    CHECK_EQ(size_of(heap, dict), 64u + (minor <= 10 ? 40 : 32) + 8 + 5 * 24);
    CHECK(referents(heap, outer) == (std::vector<uint64_t>{inner, inner}));
    CHECK(referents(heap, dict) == (std::vector<uint64_t>{inner, outer}));
    CHECK_EQ(heap.flags.at(index_of(heap, dict)), uint8_t{kTracked});
  }
}

TEST(finds_blocks_that_nothing_refers_to_but_no_free_ones) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeHeap made(minor);
    const uint64_t first = made.floating(), second = made.floating(), third = made.floating();
    made.release(second);
    const HeapSnapshot heap = made.read();
    check_columns(heap);
    CHECK_EQ(problems_of(heap), 0u);
    CHECK_EQ(size_of(heap, first), 24u);
    CHECK_EQ(index_of(heap, second), -1);
    CHECK_EQ(size_of(heap, third), 24u);
    CHECK_EQ(heap.blocks, 2u);
  }
}

TEST(leaves_out_blocks_that_hold_something_else) {
  MadeHeap made(12);
  const uint64_t no_type = made.floating(), no_references = made.floating(), too_large = made.floating();
  made.put(no_type + kObjectType, made.float_type + 8);
  made.put(no_references, 0);
  made.put(too_large + kObjectType, made.list_type);
  const HeapSnapshot heap = made.read();
  for (const uint64_t block : {no_type, no_references, too_large}) CHECK_EQ(index_of(heap, block), -1);
  CHECK_EQ(heap.blocks, 3u);
}

TEST(ends_where_a_list_of_the_collector_goes_round_in_circles) {
  MadeHeap made(11);
  const uint64_t first = made.list({}, 0), second = made.list({}, 0);
  made.put(second - 16, first - 16);
  const HeapSnapshot heap = made.read();
  check_columns(heap);
  CHECK(index_of(heap, first) >= 0 && index_of(heap, second) >= 0);
  CHECK_EQ(heap.problems.links, 1u);
}

TEST(counts_links_that_lead_nowhere_or_back_elsewhere) {
  MadeHeap made(10);
  const uint64_t first = made.list({}, 0), second = made.list({}, 0);
  made.put(second - 16 + 8, 0x1000);
  made.put(second - 16, 0x7e0000000000);
  const HeapSnapshot heap = made.read();
  CHECK(index_of(heap, first) >= 0 && index_of(heap, second) >= 0);
  CHECK_EQ(heap.problems.links, 2u);
}

TEST(refuses_sizes_that_cannot_be) {
  for (const uint64_t size : {uint64_t{1} << 62, ~uint64_t{0}, uint64_t{1} << 40}) {
    MadeHeap made(9);
    const uint64_t longer = made.list({}, 1), tuple = made.tracked(made.tuple_type, 24);
    made.put(longer + 16, size);
    made.put(longer + 32, size);
    made.put(tuple + 16, size);
    const HeapSnapshot heap = made.read();
    check_columns(heap);
    CHECK(heap.problems.contents >= 2);
    CHECK(size_of(heap, tuple) <= 1ull << 47);
  }
}

// As of one that is being made: a str whose characters have no width yet, compact or not.
TEST(refuses_a_str_of_characters_without_a_width) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++)
    for (const uint64_t state : {0 << 5, 1 << 5}) {
      MadeHeap made(minor);
      const uint64_t str = made.tracked(made.type("str", kIsStr | kHasCollectorHead, 80, 0, made.object_type), 80);
      made.put(str + 16, 5);
      made.put(str + 32, state);
      made.put(str + made.layout().compact_bytes, str);
      const HeapSnapshot heap = made.read();
      check_columns(heap);
      CHECK(index_of(heap, str) >= 0);
      CHECK_EQ(heap.problems.objects, 1u);
    }
}

// As of one that was freed, and whose memory has got other content.
TEST(refuses_a_size_that_goes_beyond_the_memory) {
  MadeHeap made(11);
  const uint64_t tuple = made.tracked(made.tuple_type, 24);
  made.put(tuple + 16, uint64_t{1} << 28);
  const HeapSnapshot heap = made.read();
  CHECK(heap.problems.contents >= 1);
  CHECK(size_of(heap, tuple) < 1 << 12);
}

// The state of a module may be an array of types.
TEST(does_not_take_every_word_of_a_structure_for_a_reference) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeHeap made(minor);
    const uint64_t type = made.type("module", kHasCollectorHead, 56, 0, made.object_type);
    const uint64_t module = made.tracked(type, 56), state = made.block(32);
    made.put(module + 32, state);
    made.put(state, made.object_type & 0xfffffff);
    made.put(state + 8, made.tuple_type);
    made.put(state + 16, made.object_type << 12);
    const HeapSnapshot heap = made.read();
    check_columns(heap);
    CHECK_EQ(problems_of(heap), 0u);
    CHECK(index_of(heap, module) >= 0);
    CHECK_EQ(index_of(heap, state), -1);
  }
}

TEST(does_not_take_a_damaged_type_for_one) {
  MadeHeap made(13);
  const uint64_t of_bad = made.list({}, 0), bad = made.type("bad", 0, 1, 0, made.object_type);
  const uint64_t own = made.type("own", 0, 16, 0, 0);
  made.put(own + kTypeBase, own);
  const uint64_t of_own = made.tracked(own, 16);
  made.put(of_bad + kObjectType, bad);
  const HeapSnapshot heap = made.read();
  check_columns(heap);
  CHECK_EQ(index_of(heap, of_bad), -1);
  CHECK(index_of(heap, of_own) >= 0);
  CHECK_EQ(heap.problems.objects, 1u);
}

// Patch releases have other offsets than the one that the table is of.
TEST(finds_the_state_of_an_interpreter_where_it_is) {
  for (int minor = kFirstMinor + 1; minor <= kLastMinor; minor++)
    for (const uint32_t shift : {8, 40, 4096}) {
      MadeHeap made(minor, shift);
      const uint64_t tracked = made.list({}, 0), untracked = made.floating();
      const std::vector<uint64_t> dicts =
          minor < 12 ? std::vector<uint64_t>() : made.static_types(20, made.layout().static_types);
      const HeapSnapshot heap = made.read();
      check_columns(heap);
      CHECK_EQ(heap.problems.links, 0u);
      CHECK(index_of(heap, tracked) >= 0);
      CHECK(heap.has_pymalloc && index_of(heap, untracked) >= 0);
      for (const uint64_t dict : dicts) CHECK(index_of(heap, dict) >= 0);
    }
}

// The offset that is known leads into the midst of them.
TEST(finds_the_first_of_the_static_types) {
  for (const int minor : {12, 13}) {
    MadeHeap made(minor, 8);
    const uint32_t first = heap_layout(minor)->static_types - 3 * heap_layout(minor)->static_type_bytes;
    made.static_types(20, first);
    HeapMemory memory([&](uint64_t address, void *to, size_t size) { return made.copy(address, to, size); });
    const auto layout = layout_of_runtime(minor, memory, made.roots().runtime);
    REQUIRE(layout);
    CHECK_EQ(layout->static_types, first);
  }
}

TEST(leaves_offsets_as_they_are_where_nothing_is_found) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeHeap made(minor);
    for (int i = 0; i < 3; i++) made.put(made.generation(i), 0);
    made.put(made.pool() + 32, 1);  // of another arena
    HeapMemory memory([&](uint64_t address, void *to, size_t size) { return made.copy(address, to, size); });
    const auto layout = layout_of_runtime(minor, memory, made.roots().runtime);
    REQUIRE(layout);
    CHECK_EQ(layout->collector, made.layout().collector);
    CHECK_EQ(layout->allocator, made.layout().allocator);
    CHECK_EQ(layout->static_types, made.layout().static_types);
  }
}

TEST(counts_objects_whose_structure_is_not_known) {
  MadeHeap made(12);
  const uint64_t unknown = made.type("lib.Unknown", kHasCollectorHead, 32, 0, made.object_type);
  for (int i = 0; i < 3; i++) made.tracked(unknown, 32);
  made.tracked(made.type("lib.Other", kHasCollectorHead, 32, 0, made.object_type), 32);
  made.tracked(made.type("cell", kHasCollectorHead, 24, 0, made.object_type), 24);
  const HeapSnapshot heap = made.read();
  CHECK_EQ(heap.unknown_objects, 4u);
  CHECK_EQ(heap.unknown_types, 2u);
}

TEST(counts_a_pool_whose_free_list_makes_no_sense) {
  for (const uint64_t next : {MadeHeap::kBase, uint64_t{1}, uint64_t{0}}) {
    MadeHeap made(8);
    const uint64_t first = made.floating(), second = made.floating();
    made.release(second);
    made.put(second, next == 0 ? second : next);  // round in a circle
    const HeapSnapshot heap = made.read();
    CHECK_EQ(heap.problems.pools, 1u);
    CHECK(index_of(heap, first) >= 0);
  }
}

TEST(has_limits_that_fit_into_the_memory_there_is) {
  for (const uint64_t gigabytes : {1, 16, 1000}) {
    const HeapLimits limits = limits_within(gigabytes << 30);
    CHECK(limits.objects * 128 + limits.references * 12 <= gigabytes << 30);
    CHECK(limits.objects >= gigabytes * 5'000'000 || limits.objects == HeapLimits().objects);
  }
  CHECK(limits_within(0).objects >= 1'000'000);
  CHECK_EQ(limits_within(~uint64_t{0}).references, HeapLimits().references);
}

TEST(reads_no_more_than_the_limits_say) {
  MadeHeap made(12);
  const uint64_t inner = made.list({}, 0);
  for (int i = 0; i < 100; i++) made.list({inner, inner, inner}, 3);
  HeapLimits limits;
  limits.objects = 50;
  limits.references = 20;
  const HeapSnapshot heap = made.read(limits);
  check_columns(heap);
  CHECK_EQ(heap.addresses.size(), 50u);
  CHECK_EQ(heap.targets.size(), 20u);
  CHECK(heap.problems.limits > 0);
}
