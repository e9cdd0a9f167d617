/*
 * Every allocator once. All blocks are live together with two spacers at the end, then all but the spacers are freed in
 * the order of their allocation, so that none is temporary. The mapping becomes the mremap's block, hence it is not
 * part of the peak. aligned_alloc and memalign are one function in glibc before 2.38 and can't be told apart there.
 *
 * EXPECT allocations malloc call_malloc 1 1001
 * EXPECT allocations calloc call_calloc 1 1010
 * EXPECT allocations realloc call_realloc 1 1003
 * EXPECT allocations reallocarray call_reallocarray 1 1020
 * EXPECT allocations posix_memalign call_posix_memalign 1 1005
 * EXPECT allocations aligned_alloc|memalign call_aligned_alloc 1 1024
 * EXPECT allocations memalign|aligned_alloc call_memalign 1 1007
 * EXPECT allocations valloc call_valloc 1 1009
 * EXPECT allocations pvalloc call_pvalloc 1 5000
 * EXPECT allocations mmap call_mmap 1 12288
 * EXPECT allocations mremap call_mremap 1 20480
 * EXPECT allocations malloc spacer 2 32
 * EXPECT total allocations 13 45879
 * EXPECT high_watermark malloc call_malloc 1 1001
 * EXPECT high_watermark calloc call_calloc 1 1010
 * EXPECT high_watermark realloc call_realloc 1 1003
 * EXPECT high_watermark reallocarray call_reallocarray 1 1020
 * EXPECT high_watermark posix_memalign call_posix_memalign 1 1005
 * EXPECT high_watermark aligned_alloc|memalign call_aligned_alloc 1 1024
 * EXPECT high_watermark memalign|aligned_alloc call_memalign 1 1007
 * EXPECT high_watermark valloc call_valloc 1 1009
 * EXPECT high_watermark pvalloc call_pvalloc 1 5000
 * EXPECT high_watermark mremap call_mremap 1 20480
 * EXPECT high_watermark malloc spacer 2 32
 * EXPECT total high_watermark 12 33591
 * EXPECT leaks malloc spacer 2 32
 * EXPECT total leaks 2 32
 * EXPECT total temporary_allocations 0 0
 * EXPECT roots main
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <sys/mman.h>
#include "gate.h"

/* gcc makes a malloc of a realloc(NULL, size). */
static void *volatile nothing = NULL;

SITE void *call_malloc(void) {
  void *block = malloc(1001);
  escape(block);
  return block;
}

SITE void *call_calloc(void) {
  void *block = calloc(10, 101);
  escape(block);
  return block;
}

SITE void *call_realloc(void) {
  void *block = realloc(nothing, 1003);
  escape(block);
  return block;
}

SITE void *call_reallocarray(void) {
  void *block = reallocarray(NULL, 10, 102);
  escape(block);
  return block;
}

SITE void *call_posix_memalign(void) {
  void *block = NULL;
  if (posix_memalign(&block, 64, 1005) != 0) _exit(90);
  escape(block);
  return block;
}

SITE void *call_aligned_alloc(void) {
  void *block = aligned_alloc(64, 1024);
  escape(block);
  return block;
}

SITE void *call_memalign(void) {
  void *block = memalign(128, 1007);
  escape(block);
  return block;
}

SITE void *call_valloc(void) {
  void *block = valloc(1009);
  escape(block);
  return block;
}

SITE void *call_pvalloc(void) {
  void *block = pvalloc(5000);
  escape(block);
  return block;
}

SITE void *call_mmap(void) {
  void *block = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  escape(block);
  return block;
}

SITE void *call_mremap(void *mapping) {
  void *block = mremap(mapping, 12288, 20480, MREMAP_MAYMOVE);
  escape(block);
  return block;
}

SITE void spacer(void) {
  void *block = malloc(16);
  escape(block);
}

int main(void) {
  wait_for_gate();
  void *mapping = call_mmap();
  void *blocks[9] = {call_malloc(), call_calloc(), call_realloc(), call_reallocarray()};
  mapping = call_mremap(mapping);
  blocks[4] = call_posix_memalign();
  blocks[5] = call_aligned_alloc();
  blocks[6] = call_memalign();
  blocks[7] = call_valloc();
  blocks[8] = call_pvalloc();
  spacer();
  spacer();
  munmap(mapping, 20480);
  for (int i = 0; i < 9; i++) free(blocks[i]);
  say("ok\n");
  return 0;
}
