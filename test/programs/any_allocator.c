/*
 * The functions that every allocator has, so that the same truth holds with each C library and allocator library. What
 * only some have (reallocarray, pvalloc, ...) are programs of their own.
 *
 * fill() makes and frees blocks of all sizes up to a few MiB, so that allocators map, unmap and shrink memory of their
 * own; in threads, so that they make and drop caches. Failing calls count for nothing.
 *
 * EXPECT allocations malloc call_malloc 1 1001
 * EXPECT allocations calloc call_calloc 1 1010
 * EXPECT allocations realloc call_realloc 1 1003
 * EXPECT allocations posix_memalign call_posix_memalign 1 1005
 * EXPECT allocations aligned_alloc|memalign call_aligned_alloc 1 1024
 * EXPECT allocations memalign|aligned_alloc call_memalign 1 1007
 * EXPECT allocations valloc call_valloc 1 1009
 * EXPECT allocations mmap call_mmap 1 12288
 * EXPECT allocations mremap call_mremap 1 20480
 * EXPECT allocations malloc resize 1 100
 * EXPECT allocations realloc resize 4 2306350
 * EXPECT allocations malloc spacer 2 32
 * EXPECT allocations malloc fill 8000 268660000
 * EXPECT allocations realloc fill 2000 134330000
 * EXPECT total allocations 10016 405336309
 * EXPECT leaks malloc call_malloc 1 1001
 * EXPECT leaks realloc resize 1 50
 * EXPECT leaks malloc spacer 2 32
 * EXPECT total leaks 4 1083
 * EXPECT loss unmatched_free 0
 * EXPECT roots main work
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include "allocator_sites.h"

#define ROUNDS 500
#define THREADS 4

/* gcc knows that SIZE_MAX / 4 fails. */
static volatile size_t too_much = SIZE_MAX / 4;

/* Grows a little, much and beyond what there is, then shrinks. */
SITE void resize(void) {
  void *block = malloc(100);
  block = realloc(block, 6000);
  block = realloc(block, 2300000);
  if (realloc(block, too_much) != NULL) _exit(91);
  block = realloc(block, 300);
  block = realloc(block, 50);
  escape(block);
}

SITE void fail(void) {
  void *block = NULL;
  if (malloc(too_much) != NULL || calloc(too_much, 16) != NULL) _exit(92);
  if (posix_memalign(&block, 64, too_much) == 0) _exit(93);
  free(NULL);
}

/* ROUNDS rounds of four blocks of 10, 330, 4000 and 130000 bytes; one is then made as large as all. */
SITE void fill(void) {
  for (int i = 0; i < ROUNDS; i++) {
    void *blocks[4] = {malloc(10), malloc(330), malloc(4000), malloc(129990)};
    blocks[i % 4] = realloc(blocks[i % 4], 67165);
    for (int k = 0; k < 4; k++) free(blocks[k]);
  }
}

SITE void *work(void *unused) {
  fill();
  escape(&unused);
  return NULL;
}

int main(void) {
  wait_for_gate();
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, NULL);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  call_malloc();
  void *blocks[] = {call_calloc(),       call_realloc(),  call_posix_memalign(),
                    call_aligned_alloc(), call_memalign(), call_valloc()};
  void *mapping = call_mremap(call_mmap());
  resize();
  fail();
  spacer();
  spacer();
  munmap(mapping, 20480);
  for (int i = 0; i < 6; i++) free(blocks[i]);
  say("ok\n");
  return 0;
}
