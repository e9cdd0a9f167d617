// Numbers of distinct stacks, and what becomes of those that have no room.
#include "../../addon/stack_indexes.h"

#include <string>

#include "check.h"

using mp::StackIndexes;

namespace {

struct Stack {
  const char *status;
  std::vector<uint32_t> locations;
};

StackIndexes::Added add(StackIndexes &indexes, Stack &stack) {
  return indexes.add(stack.status, stack.locations);
}

TEST(numbers_distinct_stacks) {
  StackIndexes indexes;
  Stack a{"complete", {1, 2, 3}}, b{"complete", {1, 2}}, c{"truncated", {1, 2}}, again = a;
  CHECK_EQ(add(indexes, a).index, 0u);
  CHECK_EQ(add(indexes, b).index, 1u);
  CHECK_EQ(add(indexes, c).index, 2u);
  CHECK_EQ(add(indexes, again).index, 0u);
  CHECK(!add(indexes, again).is_new);
}

TEST(merges_further_stacks_by_their_innermost_frame) {
  StackIndexes indexes({2, 100});
  Stack a{"complete", {1, 2, 3}}, b{"complete", {1, 2}}, c{"complete", {1, 9}}, d{"complete", {1, 8, 9}},
      e{"complete", {7, 9}}, known = a;
  add(indexes, a);
  add(indexes, b);
  const auto merged = add(indexes, c);
  CHECK_EQ(merged.index, 2u);
  CHECK(merged.is_new);
  CHECK_EQ(std::string(c.status), "merged");
  CHECK_EQ(c.locations.size(), 1u);
  CHECK_EQ(c.locations[0], 1u);
  CHECK_EQ(add(indexes, d).index, 2u);
  CHECK_EQ(add(indexes, e).index, 3u);
  CHECK_EQ(add(indexes, known).index, 0u);
  CHECK_EQ(known.locations.size(), 3u);
}

TEST(counts_frames) {
  StackIndexes indexes({100, 4});
  Stack a{"complete", {1, 2, 3}}, b{"complete", {4, 5}}, c{"complete", {6}};
  add(indexes, a);
  add(indexes, b);
  CHECK_EQ(std::string(b.status), "merged");
  add(indexes, c);
  CHECK_EQ(std::string(c.status), "complete");
}

// One without frames says by its status why.
TEST(keeps_stacks_without_frames) {
  StackIndexes indexes({1, 10});
  Stack a{"complete", {1, 2}}, none{"missing", {}};
  add(indexes, a);
  CHECK_EQ(add(indexes, none).index, 1u);
  CHECK_EQ(std::string(none.status), "missing");
}

}  // namespace
