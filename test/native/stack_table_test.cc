// Stacks by hash, over changes of the seed.
#include "../../addon/stack_table.h"

#include "check.h"

using mp::StackTable;

namespace {

constexpr uint64_t kSecond = 1'000'000'000;

TEST(finds_what_was_added) {
  StackTable table;
  CHECK(table.find(1, 0) == nullptr);
  table.add(1, 0).index = 7;
  CHECK_EQ(table.find(1, 0)->index, 7u);
}

// Events from before the change are still in the ring.
TEST(keeps_an_older_seed_for_late_events) {
  StackTable table;
  table.add(1, 0).index = 7;
  table.new_seed(10 * kSecond);
  table.add(2, 0).index = 8;
  table.new_seed(10 * kSecond + 1);
  CHECK_EQ(table.find(1, 10 * kSecond)->index, 7u);
  CHECK_EQ(table.find(2, 10 * kSecond)->index, 8u);
}

TEST(forgets_an_older_seed) {
  StackTable table;
  table.add(1, 0).index = 7;
  table.new_seed(10 * kSecond);
  table.add(2, 0).index = 8;
  CHECK_EQ(table.find(2, 12 * kSecond)->index, 8u);
  CHECK(table.find(1, 12 * kSecond) == nullptr);
}

TEST(replaces_a_lost_stack) {
  StackTable table;
  table.add(1, 0) = {3, true};
  CHECK(table.find(1, 0)->is_lost);
  table.add(1, 0) = {4};
  CHECK(!table.find(1, 0)->is_lost);
  CHECK_EQ(table.find(1, 0)->index, 4u);
}

TEST(forgets_what_nobody_refers_to_when_it_is_full) {
  StackTable table(2);
  for (uint64_t hash = 1; hash <= 2; hash++) table.add(hash, kSecond).index = 10 + hash;
  table.add(3, 10 * kSecond).index = 13;
  CHECK_EQ(table.find(1, 10 * kSecond)->index, 11u);
  CHECK_EQ(table.find(1, 12 * kSecond)->index, 11u);
  CHECK(table.find(2, 12 * kSecond) == nullptr);
  CHECK_EQ(table.find(3, 12 * kSecond)->index, 13u);
}

// An older seed's are of no use to anybody, however full it was.
TEST(does_not_keep_an_older_seed_for_being_used) {
  StackTable table(2);
  table.add(1, kSecond).index = 7;
  table.new_seed(10 * kSecond);
  CHECK_EQ(table.find(1, 10 * kSecond)->index, 7u);
  CHECK(table.find(1, 12 * kSecond) == nullptr);
}

}  // namespace
