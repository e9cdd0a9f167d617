/*
 * The functions that tcmalloc exports beside those that it replaces, under names of its own. As there, tc_memalign is
 * aligned_alloc.
 *
 * EXPECT allocations malloc make 2 1300
 * EXPECT allocations calloc make_zeroed 1 600
 * EXPECT allocations realloc grow 1 9000
 * EXPECT allocations aligned_alloc|memalign align 1 640
 * EXPECT allocations posix_memalign store 1 720
 * EXPECT allocations valloc pages 1 5000
 * EXPECT allocations pvalloc whole_pages 1 5001
 * EXPECT allocations operator+new object 1 333
 * EXPECT allocations operator+new|operator+new[] array 1 444
 * EXPECT allocations operator+new no_exception 1 555
 * EXPECT total allocations 11 23593
 * EXPECT leaks malloc make 1 300
 * EXPECT total leaks 1 300
 * EXPECT loss unmatched_free 0
 * EXPECT roots main
 */
#include "gate.h"

void *tc_malloc(size_t), *tc_calloc(size_t, size_t), *tc_realloc(void *, size_t), *tc_memalign(size_t, size_t);
void *tc_valloc(size_t), *tc_pvalloc(size_t), *tc_new(size_t), *tc_newarray(size_t);
void *tc_malloc_skip_new_handler(size_t);
void *tc_new_nothrow(size_t, const void *);
int tc_posix_memalign(void **, size_t, size_t);
void tc_free(void *), tc_cfree(void *), tc_free_sized(void *, size_t), tc_delete(void *), tc_deletearray(void *);
void tc_delete_sized(void *, size_t), tc_delete_nothrow(void *, const void *);

SITE void *kept(void *block) {
  escape(block);
  return block;
}

SITE void *make(void) {
  void *first = tc_malloc(1000), *second = tc_malloc_skip_new_handler(300);
  kept(second);
  return first;
}

#define WRAP(name, call)  \
  SITE void *name(void) { \
    void *block = call;   \
    escape(block);        \
    return block;         \
  }
WRAP(make_zeroed, tc_calloc(6, 100))
WRAP(align, tc_memalign(64, 640))
WRAP(pages, tc_valloc(5000))
WRAP(whole_pages, tc_pvalloc(5001))
WRAP(object, tc_new(333))
WRAP(array, tc_newarray(444))
WRAP(no_exception, tc_new_nothrow(555, ""))

SITE void *store(void) {
  void *block = NULL;
  if (tc_posix_memalign(&block, 32, 720)) _exit(91);
  return block;
}

SITE void *grow(void *block) {
  block = tc_realloc(block, 9000);
  escape(block);
  return block;
}

int main(void) {
  wait_for_gate();
  tc_free(grow(make()));
  tc_cfree(make_zeroed());
  tc_free_sized(align(), 640);
  tc_free(pages());
  tc_free(whole_pages());
  tc_free(store());
  tc_delete_sized(object(), 333);
  tc_deletearray(array());
  tc_delete_nothrow(no_exception(), "");
  say("ok\n");
  return 0;
}
