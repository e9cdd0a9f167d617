/* The library that reopened.c and overwritten.c open at run time: an allocator of its own, of a fixed pool. With OTHER
 * defined its functions lie elsewhere in the file. */
#include <stddef.h>

static char pool[64 * 1024];
static size_t used;

#ifdef OTHER
int filling(int x);
__attribute__((noipa)) int filling(int x) {
  return x % 7 * x / 3 + x % 11 * x / 5;
}
#endif

__attribute__((noipa)) void *malloc(size_t size_bytes) {
  if (size_bytes > sizeof pool - used) used = 0;
  void *block = pool + used;
  used += (size_bytes + 15) & ~(size_t)15;
  return block;
}

__attribute__((noipa)) void free(void *block) {
  (void)block;
}
