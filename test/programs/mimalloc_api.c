/*
 * mimalloc's own interface. A function that another name stands for counts under that: mi_zalloc as malloc, mi_mallocn
 * as calloc, mi_recalloc as reallocarray. Blocks of mi_heap_destroy end unseen: they are stated as leaks.
 *
 * EXPECT allocations malloc make 4 1000
 * EXPECT allocations calloc make_many 2 1200
 * EXPECT allocations realloc grow 2 21000
 * EXPECT allocations reallocarray grow_many 2 14000
 * EXPECT allocations reallocf grow_or_free 1 3000
 * EXPECT allocations malloc align 2 1300
 * EXPECT allocations aligned_alloc|memalign align 1 700
 * EXPECT allocations malloc in_heap 3 1500
 * EXPECT allocations calloc in_heap 1 800
 * EXPECT allocations realloc in_heap 1 2500
 * EXPECT allocations operator+new objects 2 900
 * EXPECT allocations realloc objects 1 7000
 * EXPECT allocations reallocarray objects 1 8000
 * EXPECT allocations operator+new object 1 400
 * EXPECT total allocations 24 63300
 * EXPECT leaks malloc in_heap 1 500
 * EXPECT total leaks 1 500
 * EXPECT loss unmatched_free 0
 * EXPECT roots main
 */
#include <mimalloc.h>
#include <stdint.h>
#include "gate.h"

static volatile size_t too_much = SIZE_MAX / 4;

SITE void make(void **to) {
  to[0] = mi_malloc(400);
  to[1] = mi_zalloc(300);
  to[2] = mi_malloc_small(200);
  to[3] = mi_zalloc_small(100);
}

SITE void make_many(void **to) {
  to[0] = mi_calloc(10, 60);
  to[1] = mi_mallocn(10, 60);
}

SITE void grow(void **blocks) {
  blocks[0] = mi_realloc(blocks[0], 20000);
  blocks[1] = mi_rezalloc(blocks[1], 1000);
}

SITE void grow_many(void **blocks) {
  blocks[0] = mi_recalloc(blocks[0], 70, 100);
  blocks[1] = mi_reallocn(blocks[1], 70, 100);
}

/* Once it grows, once it fails and frees. */
SITE void grow_or_free(void *block) {
  block = mi_reallocf(block, 3000);
  escape(block);
  if (mi_reallocf(block, too_much)) _exit(91);
}

SITE void align(void **to) {
  to[0] = mi_malloc_aligned(600, 64);
  to[1] = mi_zalloc_aligned(700, 64);
  to[2] = mi_aligned_alloc(64, 700);
}

SITE void in_heap(mi_heap_t *heap) {
  void *blocks[] = {mi_heap_malloc(heap, 500), mi_heap_zalloc(heap, 500), mi_heap_calloc(heap, 8, 100),
                    mi_heap_malloc(heap, 500)};
  mi_free(blocks[1]);
  mi_free(blocks[2]);
  mi_free(mi_heap_realloc(heap, blocks[3], 2500));
}

SITE void objects(mi_heap_t *heap) {
  void *first = mi_new_n(5, 100), *second = mi_heap_alloc_new_n(heap, 4, 100);
  mi_free(mi_new_realloc(first, 7000));
  mi_free(mi_new_reallocn(second, 80, 100));
}

SITE void *object(void) {
  void *block = mi_new(400);
  escape(block);
  return block;
}

int main(void) {
  wait_for_gate();
  void *blocks[4], *many[2], *aligned[3];
  make(blocks);
  make_many(many);
  grow(blocks);
  grow_many(many);
  grow_or_free(blocks[2]);
  align(aligned);
  mi_free_size(blocks[0], 20000);
  mi_cfree(blocks[1]);
  mi_free(blocks[3]);
  mi_free(many[0]);
  mi_free(many[1]);
  mi_free_aligned(aligned[0], 64);
  mi_free_size_aligned(aligned[1], 700, 64);
  mi_free(aligned[2]);
  mi_free(object());
  mi_heap_t *heap = mi_heap_new();
  objects(heap);
  in_heap(heap);
  mi_heap_destroy(heap);
  say("ok\n");
  return 0;
}
