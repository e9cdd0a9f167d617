/*
 * Blocks from before the gate: an attached tracer has not seen them. Freeing five, growing one by realloc: six frees of
 * unknown blocks, and a new block that is known. A tracer that was there from the start knows all of them.
 *
 * EXPECT run allocations malloc before 9 450
 * EXPECT allocations malloc after 3 180
 * EXPECT allocations realloc regrow 1 500
 * EXPECT run total allocations 13 1130
 * EXPECT trace total allocations 4 680
 * EXPECT run leaks malloc before 3 150
 * EXPECT leaks malloc after 2 120
 * EXPECT leaks realloc regrow 1 500
 * EXPECT run total leaks 6 770
 * EXPECT trace total leaks 3 620
 * EXPECT run high_watermark malloc before 3 150
 * EXPECT high_watermark malloc after 3 180
 * EXPECT high_watermark realloc regrow 1 500
 * EXPECT run total high_watermark 7 830
 * EXPECT trace total high_watermark 4 680
 * EXPECT temporary_allocations malloc after 1 60
 * EXPECT total temporary_allocations 1 60
 * EXPECT run loss unmatched_free 0
 * EXPECT trace loss unmatched_free 6
 * EXPECT roots main
 */
#include "gate.h"

SITE void *before(void) {
  void *block = malloc(50);
  escape(block);
  return block;
}

SITE void regrow(void *block) {
  block = realloc(block, 500);
  escape(block);
}

SITE void *after(void) {
  void *block = malloc(60);
  escape(block);
  return block;
}

int main(void) {
  void *blocks[9];
  for (int i = 0; i < 9; i++) blocks[i] = before();
  wait_for_gate();
  for (int i = 0; i < 5; i++) free(blocks[i]);
  regrow(blocks[5]);
  after();
  after();
  free(after());
  say("ok\n");
  return 0;
}
