/*
 * A library with an allocator of its own under renamed functions, for prefixed.c: my_malloc and so on, in an arena that
 * it maps. my_realloc is made of my_malloc and my_free, my_calloc of my_malloc: nested calls are no calls of their own.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_BYTES (16 << 20)

static char *arena, *next;

struct block {
  size_t size;
  size_t pad;
};

__attribute__((noinline)) void *my_malloc(size_t size) {
  if (!arena) next = arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct block *block = (struct block *)next;
  if (size > (size_t)(arena + ARENA_BYTES - next) - sizeof(*block) - 16) return NULL;
  next += (sizeof(*block) + size + 15) & ~(size_t)15;
  block->size = size;
  return block + 1;
}

__attribute__((noinline)) void my_free(void *address) {
  if (address) memset(address, 0xdd, ((struct block *)address - 1)->size);
}

void *my_calloc(size_t count, size_t size) {
  void *address = my_malloc(count * size);
  return address ? memset(address, 0, count * size) : NULL;
}

void *my_realloc(void *old, size_t size) {
  void *address = my_malloc(size);
  if (!address || !old) return address;
  size_t old_size = ((struct block *)old - 1)->size;
  memcpy(address, old, old_size < size ? old_size : size);
  my_free(old);
  return address;
}
