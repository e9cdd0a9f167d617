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
#include "allocator_sites.h"

SITE void *call_reallocarray(void) {
  void *block = reallocarray(NULL, 10, 102);
  escape(block);
  return block;
}

SITE void *call_pvalloc(void) {
  void *block = pvalloc(5000);
  escape(block);
  return block;
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
