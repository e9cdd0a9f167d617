/*
 * The same maximum three times, and once almost: first() and again() reach it, last() reaches it by other blocks,
 * short_by_one() stays one byte below. The later moment is the peak, so it consists of last()'s blocks.
 *
 * EXPECT high_watermark malloc base 1 1000
 * EXPECT high_watermark malloc last 2 262144
 * EXPECT total high_watermark 3 263144
 * EXPECT leaks malloc base 1 1000
 * EXPECT total leaks 1 1000
 * EXPECT allocations malloc base 1 1000
 * EXPECT allocations malloc first 4 262144
 * EXPECT allocations malloc again 8 262144
 * EXPECT allocations malloc last 2 262144
 * EXPECT allocations malloc short_by_one 1 262143
 * EXPECT total allocations 16 1049575
 * EXPECT temporary_allocations malloc first 2 131072
 * EXPECT temporary_allocations malloc again 2 65536
 * EXPECT temporary_allocations malloc last 2 262144
 * EXPECT temporary_allocations malloc short_by_one 1 262143
 * EXPECT total temporary_allocations 7 720895
 * EXPECT roots main
 */
#include "gate.h"

SITE void base(void) {
  void *block = malloc(1000);
  escape(block);
}

SITE void first(void) {
  void *blocks[4];
  for (int i = 0; i < 4; i++) {
    blocks[i] = malloc(65536);
    escape(blocks[i]);
  }
  for (int i = 0; i < 4; i++) free(blocks[i]);
}

SITE void again(void) {
  void *blocks[8];
  for (int i = 0; i < 8; i++) {
    blocks[i] = malloc(32768);
    escape(blocks[i]);
  }
  for (int i = 0; i < 8; i++) free(blocks[i]);
}

SITE void last(void) {
  void *blocks[2];
  for (int i = 0; i < 2; i++) {
    blocks[i] = malloc(131072);
    escape(blocks[i]);
  }
  for (int i = 0; i < 2; i++) free(blocks[i]);
}

SITE void short_by_one(void) {
  void *block = malloc(262143);
  escape(block);
  free(block);
}

int main(void) {
  wait_for_gate();
  base();
  first();
  again();
  last();
  short_by_one();
  say("ok\n");
  return 0;
}
