/* One call each of the allocators that programs for one C library and for all of them have in common. Include it with
 * _GNU_SOURCE defined. */
#ifndef MP_TEST_ALLOCATOR_SITES_H
#define MP_TEST_ALLOCATOR_SITES_H

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

#endif
