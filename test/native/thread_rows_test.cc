// Rows of threads that come and go.
#include "../../addon/thread_rows.h"

#include "check.h"

using mp::ThreadRows;

namespace {

TEST(gives_each_thread_a_row) {
  ThreadRows rows(2);
  CHECK_EQ(rows.add(7, "a").index, 0u);
  CHECK_EQ(rows.add(7, "a").index, 1u);
  CHECK_EQ(rows.add(8, "a").index, 2u);
  CHECK(!rows.add(7, "a").is_shared);  // all others run
  CHECK_EQ(rows.merged(), 0u);
}

TEST(takes_over_the_row_of_one_that_was_called_the_same) {
  ThreadRows rows(3);
  for (const char *comm : {"main", "reader", "writer"}) rows.add(7, comm);
  rows.end(7, 1, "reader");
  rows.end(7, 2, "writer");
  rows.begin_batch();
  const auto row = rows.add(7, "writer");
  CHECK_EQ(row.index, 2u);
  CHECK(row.is_shared);
  CHECK_EQ(rows.add(7, "other").index, 1u);
  CHECK_EQ(rows.add(7, "other").index, 3u);
  CHECK_EQ(rows.merged(), 2u);
}

// Records of the thread that has ended may be in the same batch.
TEST(leaves_a_row_alone_until_the_next_batch) {
  ThreadRows rows(1);
  rows.add(7, "a");
  rows.end(7, 0, "a");
  CHECK_EQ(rows.add(7, "a").index, 1u);
  rows.begin_batch();
  CHECK_EQ(rows.add(7, "a").index, 0u);
}

TEST(keeps_rows_while_there_are_few) {
  ThreadRows rows(3);
  rows.add(7, "a");
  rows.end(7, 0, "a");
  rows.begin_batch();
  CHECK_EQ(rows.add(7, "a").index, 1u);
}

TEST(rows_are_of_one_process) {
  ThreadRows rows(1);
  rows.add(7, "a");
  rows.end(7, 0, "a");
  rows.begin_batch();
  CHECK_EQ(rows.add(8, "a").index, 1u);
  rows.end_process(7);
  CHECK_EQ(rows.add(7, "a").index, 2u);
}

}  // namespace
