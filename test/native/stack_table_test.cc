// Stacks by hash, over changes of the seed.
#include "../../addon/stack_table.h"

#include "check.h"

using mp::StackTable;

namespace {

constexpr uint64_t kSecond = 1'000'000'000;

TEST(finds_what_was_added) {
  StackTable table;
  CHECK(table.find(1, 0) == nullptr);
  table.add(1).index = 7;
  CHECK_EQ(table.find(1, 0)->index, 7u);
}

// Events from before the change are still in the ring.
TEST(keeps_an_older_seed_for_late_events) {
  StackTable table;
  table.add(1).index = 7;
  table.new_seed(10 * kSecond);
  table.add(2).index = 8;
  table.new_seed(10 * kSecond + 1);
  CHECK_EQ(table.find(1, 10 * kSecond)->index, 7u);
  CHECK_EQ(table.find(2, 10 * kSecond)->index, 8u);
}

TEST(forgets_an_older_seed) {
  StackTable table;
  table.add(1).index = 7;
  table.new_seed(10 * kSecond);
  table.add(2).index = 8;
  CHECK_EQ(table.find(2, 12 * kSecond)->index, 8u);
  CHECK(table.find(1, 12 * kSecond) == nullptr);
}

TEST(replaces_a_lost_stack) {
  StackTable table;
  table.add(1) = {3, true};
  CHECK(table.find(1, 0)->is_lost);
  table.add(1) = {4};
  CHECK(!table.find(1, 0)->is_lost);
  CHECK_EQ(table.find(1, 0)->index, 4u);
}

}  // namespace
