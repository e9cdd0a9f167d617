/*
 * What rustc makes of a program with a #[global_allocator], in C: functions of these names and signatures, here with a
 * fixed pool, and malloc for blocks that are large. As with Rust 1.63, __rust_alloc and so on jump to __rg_alloc and so
 * on, the methods of the allocator. With MANGLED the methods are __rust_alloc and so on themselves, under the mangled
 * names that Rust 1.95 gives them. With INLINED_ALLOCATOR the compiler also puts them into what calls them.
 *
 * A malloc inside is no allocation of its own. What fails counts for nothing, and leaves the old block.
 *
 * EXPECT allocations __rust_alloc box 3 900
 * EXPECT allocations __rust_alloc_zeroed zeroed 1 1000
 * EXPECT allocations __rust_alloc vector 1 16
 * EXPECT allocations __rust_realloc vector 3 224
 * EXPECT allocations __rust_alloc large 2 200000
 * EXPECT allocations __rust_realloc large 1 150000
 * EXPECT allocations malloc of_libc 1 77
 * EXPECT allocations __rust_alloc churn 10000 640000
 * EXPECT total allocations 10012 992217
 * EXPECT high_watermark __rust_alloc large 2 200000
 * EXPECT leaks __rust_alloc box 2 600
 * EXPECT leaks __rust_realloc vector 1 128
 * EXPECT total leaks 3 728
 * EXPECT loss unmatched_free 0
 * EXPECT roots main
 */
#include <stdint.h>
#include "gate.h"

#define POOL_BYTES (2 << 20)
#define LARGE_BYTES 65536

#ifdef INLINED_ALLOCATOR
#define METHOD inline __attribute__((always_inline, used))
#define MANGLED
#else
#define METHOD SITE
#endif

#ifdef MANGLED
#define SYMBOL(length, name) __asm__("_RNvCsfLfy6EI15iL_7___rustc" #length "___rust_" name)
#else
#define SYMBOL(length, name) __asm__("__rg_" name)
void *rust_alloc(size_t size, size_t align) __asm__("__rust_alloc");
void *rust_alloc_zeroed(size_t size, size_t align) __asm__("__rust_alloc_zeroed");
void *rust_realloc(void *block, size_t old_size, size_t align, size_t size) __asm__("__rust_realloc");
void rust_dealloc(void *block, size_t size, size_t align) __asm__("__rust_dealloc");
#endif
void *global_alloc(size_t size, size_t align) SYMBOL(12, "alloc");
void *global_alloc_zeroed(size_t size, size_t align) SYMBOL(19, "alloc_zeroed");
void *global_realloc(void *block, size_t old_size, size_t align, size_t size) SYMBOL(14, "realloc");
void global_dealloc(void *block, size_t size, size_t align) SYMBOL(14, "dealloc");

static char pool[POOL_BYTES];
static size_t used;

METHOD void *global_alloc(size_t size, size_t align) {
  if (size > SIZE_MAX / 8) return NULL;
  if (size >= LARGE_BYTES) return malloc(size);
  size_t at = (used + align - 1) & ~(align - 1);
  if (at + size > POOL_BYTES) return NULL;
  used = at + size;
  return pool + at;
}

METHOD void global_dealloc(void *block, size_t size, size_t align) {
  (void)align;
  if (size >= LARGE_BYTES) free(block);
  /* the last block gives its place back, so that addresses are used again */
  else if ((char *)block + size == pool + used) used = (char *)block - pool;
}

METHOD void *global_alloc_zeroed(size_t size, size_t align) {
  void *block = global_alloc(size, align);
  return block ? memset(block, 0, size) : NULL;
}

METHOD void *global_realloc(void *block, size_t old_size, size_t align, size_t size) {
  void *other = global_alloc(size, align);
  if (!other) return NULL;
  memcpy(other, block, old_size < size ? old_size : size);
  global_dealloc(block, old_size, align);
  return other;
}

#ifdef MANGLED
#define rust_alloc global_alloc
#define rust_alloc_zeroed global_alloc_zeroed
#define rust_realloc global_realloc
#define rust_dealloc global_dealloc
#else
SITE void *rust_alloc(size_t size, size_t align) {
  return global_alloc(size, align);
}

SITE void *rust_alloc_zeroed(size_t size, size_t align) {
  return global_alloc_zeroed(size, align);
}

SITE void *rust_realloc(void *block, size_t old_size, size_t align, size_t size) {
  return global_realloc(block, old_size, align, size);
}

SITE void rust_dealloc(void *block, size_t size, size_t align) {
  global_dealloc(block, size, align);
}
#endif

SITE void *box(void) {
  void *block = rust_alloc(300, 8);
  escape(block);
  return block;
}

SITE void zeroed(void) {
  void *block = rust_alloc_zeroed(1000, 1);
  escape(block);
  rust_dealloc(block, 1000, 1);
}

/* Grows from 16 bytes to 128; what it asks for then can't be had. */
SITE void vector(void) {
  char *block = rust_alloc(16, 4);
  for (size_t size = 16; size < 128; size *= 2) block = rust_realloc(block, size, 4, size * 2);
  if (rust_realloc(block, 128, 4, SIZE_MAX / 2)) _exit(91);
  escape(block);
}

SITE void large(void) {
  void *block = rust_alloc(100000, 8), *other = rust_alloc(100000, 8);
  rust_dealloc(other, 100000, 8);
  block = rust_realloc(block, 100000, 8, 150000);
  escape(block);
  rust_dealloc(block, 150000, 8);
}

SITE void of_libc(void) {
  void *block = malloc(77);
  escape(block);
  free(block);
}

SITE void churn(void) {
  for (int i = 0; i < 10000; i++) {
    void *block = rust_alloc(64, 8);
    escape(block);
    rust_dealloc(block, 64, 8);
  }
}

int main(void) {
  wait_for_gate();
  void *block = box();
  box();
  rust_dealloc(block, 300, 8);
  box();
  zeroed();
  vector();
  of_libc();
  churn();
  large();
  say("ok\n");
  return 0;
}
