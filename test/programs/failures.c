/*
 * Calls that fail allocate nothing, and a realloc that fails frees nothing. realloc(p, 0) frees. free(NULL) is no free.
 *
 * EXPECT allocations malloc keep 1 100
 * EXPECT allocations malloc survivor 1 200
 * EXPECT allocations malloc emptied 1 300
 * EXPECT total allocations 3 600
 * EXPECT high_watermark malloc keep 1 100
 * EXPECT high_watermark malloc survivor 1 200
 * EXPECT high_watermark malloc emptied 1 300
 * EXPECT total high_watermark 3 600
 * EXPECT leaks malloc keep 1 100
 * EXPECT leaks malloc survivor 1 200
 * EXPECT total leaks 2 300
 * EXPECT temporary_allocations malloc emptied 1 300
 * EXPECT total temporary_allocations 1 300
 * EXPECT roots main
 * EXPECT loss unmatched_free 0
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include "gate.h"

/* Beyond malloc's own limit; beyond the address space, so that only the system refuses it; factors that overflow. */
static volatile size_t beyond_limit = (size_t)PTRDIFF_MAX + 1;
static volatile size_t beyond_memory = (size_t)1 << 48;
static volatile size_t half = SIZE_MAX / 2;
static volatile size_t odd_alignment = 3;
static volatile size_t small_alignment = 2;
static volatile size_t zero = 0;
static void *volatile nothing = NULL;

#define MUST(condition) \
  do {                  \
    if (!(condition)) { \
      _exit(90);        \
    }                   \
  } while (0)

SITE void *keep(void) {
  void *block = malloc(100);
  escape(block);
  return block;
}

SITE void *survivor(void) {
  void *block = malloc(200);
  escape(block);
  return block;
}

SITE void *emptied(void) {
  void *block = malloc(300);
  escape(block);
  return block;
}

SITE void fail_simple(void) {
  MUST(malloc(beyond_limit) == NULL);
  MUST(malloc(beyond_memory) == NULL);
  MUST(calloc(half, 4) == NULL);
  MUST(calloc(1, beyond_memory) == NULL);
  MUST(realloc(nothing, beyond_limit) == NULL);
  MUST(reallocarray(nothing, half, 4) == NULL);
}

SITE void fail_aligned(void) {
  void *const original = (void *)&half;
  void *untouched = original;
  MUST(posix_memalign(&untouched, odd_alignment, 64) == EINVAL);
  MUST(posix_memalign(&untouched, small_alignment, 64) == EINVAL);
  MUST(posix_memalign(&untouched, zero, 64) == EINVAL);
  MUST(posix_memalign(&untouched, 64, beyond_limit) == ENOMEM);
  MUST(posix_memalign(&untouched, 64, beyond_memory) == ENOMEM);
  MUST(untouched == original);
  MUST(aligned_alloc(64, beyond_limit) == NULL);
  MUST(memalign(64, beyond_memory) == NULL);
  MUST(valloc(beyond_memory) == NULL);
  MUST(pvalloc(beyond_limit) == NULL);
}

SITE void fail_to_grow(void *block) {
  MUST(realloc(block, beyond_limit) == NULL);
  MUST(realloc(block, beyond_memory) == NULL);
  MUST(reallocarray(block, half, 4) == NULL);
}

SITE void free_by_realloc(void *block) {
  MUST(realloc(block, zero) == NULL);
}

int main(void) {
  wait_for_gate();
  fail_simple();
  keep();
  fail_to_grow(survivor());
  free_by_realloc(emptied());
  fail_aligned();
  for (int i = 0; i < 3; i++) free((void *)zero);
  say("ok\n");
  return 0;
}
