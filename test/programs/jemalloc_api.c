/*
 * jemalloc's own interface: mallocx, rallocx, xallocx, dallocx, sdallocx. In place, xallocx ends the block and makes one
 * of the new size at its address; where it can't, it changes nothing. A block of 200000 bytes can't become one of a GiB.
 *
 * EXPECT allocations mallocx make 102 10500
 * EXPECT allocations rallocx grow 100 600000
 * EXPECT allocations xallocx shrink_in_place 1 40000
 * EXPECT allocations mallocx large 2 400000
 * EXPECT allocations malloc mixed 1 77
 * EXPECT total allocations 206 1050577
 * EXPECT leaks mallocx make 2 500
 * EXPECT total leaks 2 500
 * EXPECT loss unmatched_free 0
 * EXPECT roots main
 */
#include <jemalloc/jemalloc.h>
#include "gate.h"

SITE void *make(size_t size) {
  void *block = mallocx(size, MALLOCX_ALIGN(64));
  escape(block);
  return block;
}

SITE void *grow(void *block, size_t size) {
  block = rallocx(block, size, 0);
  escape(block);
  return block;
}

SITE void *large(void) {
  void *block = mallocx(200000, 0);
  escape(block);
  return block;
}

SITE void shrink_in_place(void *block) {
  if (xallocx(block, (size_t)1 << 30, 0, 0) >= (size_t)1 << 30) _exit(91);
  if (xallocx(block, 40000, 0, 0) > 200000) _exit(92);
}

SITE void *mixed(void) {
  void *block = malloc(77);
  escape(block);
  return block;
}

int main(void) {
  wait_for_gate();
  void *blocks[100];
  for (int i = 0; i < 100; i++) blocks[i] = make(100);
  for (int i = 0; i < 100; i++) blocks[i] = grow(blocks[i], 6000);
  for (int i = 0; i < 50; i++) dallocx(blocks[i], 0);
  for (int i = 50; i < 100; i++) sdallocx(blocks[i], 6000, 0);
  make(200);
  make(300);
  void *first = large(), *second = large();
  shrink_in_place(first);
  free(first);
  free(second);
  dallocx(mixed(), 0);
  say("ok\n");
  return 0;
}
