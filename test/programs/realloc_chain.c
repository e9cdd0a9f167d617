/*
 * realloc is a free of the old block and an allocation by realloc. big_chain's blocks are mapped by malloc, moved by
 * its own mremap and end on the heap: nested calls that are not counted. free_at_end is realloc(NULL, 10), realloc(p,
 * 0).
 *
 * EXPECT allocations malloc start 1 16
 * EXPECT allocations realloc grow 12 131040
 * EXPECT allocations malloc shrink 1 100000
 * EXPECT allocations realloc shrink 1 10
 * EXPECT allocations realloc free_at_end 1 10
 * EXPECT allocations malloc big_chain 1 1048576
 * EXPECT allocations realloc big_chain 2 4194404
 * EXPECT allocations reallocarray array_chain 3 1400
 * EXPECT allocations malloc top 1 16777216
 * EXPECT total allocations 23 22252672
 * EXPECT leaks realloc grow 1 65536
 * EXPECT leaks realloc shrink 1 10
 * EXPECT leaks reallocarray array_chain 1 800
 * EXPECT total leaks 3 66346
 * EXPECT high_watermark realloc grow 1 65536
 * EXPECT high_watermark realloc shrink 1 10
 * EXPECT high_watermark reallocarray array_chain 1 800
 * EXPECT high_watermark malloc top 1 16777216
 * EXPECT total high_watermark 4 16843562
 * EXPECT temporary_allocations malloc start 1 16
 * EXPECT temporary_allocations realloc grow 11 65504
 * EXPECT temporary_allocations malloc shrink 1 100000
 * EXPECT temporary_allocations realloc free_at_end 1 10
 * EXPECT temporary_allocations malloc big_chain 1 1048576
 * EXPECT temporary_allocations realloc big_chain 2 4194404
 * EXPECT temporary_allocations reallocarray array_chain 2 600
 * EXPECT temporary_allocations malloc top 1 16777216
 * EXPECT total temporary_allocations 20 22186326
 * EXPECT roots main
 */
#define _GNU_SOURCE
#include "gate.h"

static volatile size_t zero = 0;
/* gcc makes a malloc of a realloc(NULL, size). */
static void *volatile nothing = NULL;

SITE void *start(void) {
  void *block = malloc(16);
  escape(block);
  return block;
}

SITE void grow(void *block) {
  for (size_t size = 32; size <= 65536; size *= 2) {
    block = realloc(block, size);
    escape(block);
  }
}

SITE void shrink(void) {
  void *block = malloc(100000);
  escape(block);
  block = realloc(block, 10);
  escape(block);
}

SITE void free_at_end(void) {
  void *block = realloc(nothing, 10);
  escape(block);
  block = realloc(block, zero);
  escape(block);
}

SITE void big_chain(void) {
  void *block = malloc(1048576);
  escape(block);
  block = realloc(block, 4194304);
  escape(block);
  block = realloc(block, 100);
  escape(block);
  free(block);
}

SITE void array_chain(void) {
  void *block = nothing;
  for (size_t count = 2; count <= 8; count *= 2) {
    block = reallocarray(block, count, 100);
    escape(block);
  }
}

SITE void top(void) {
  void *block = malloc(16777216);
  escape(block);
  free(block);
}

int main(void) {
  wait_for_gate();
  grow(start());
  shrink();
  free_at_end();
  big_chain();
  array_chain();
  top();
  say("ok\n");
  return 0;
}
