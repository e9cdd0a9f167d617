/*
 * Random work of a hundred thousand calls that keeps its own books and prints them as EXPECT lines at its end.
 * Arguments: threads (1), calls per thread (50000), seed (1). The peak is stated for one thread only: of several, no
 * one knows it. Sizes are never zero: a zero-byte block at the peak would make two moments equal and different.
 *
 * EXPECT roots main worker
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include "gate.h"

enum { SLOTS = 256, MAX_THREADS = 16, MAX_SIZE = 5000 };
enum { MALLOC, CALLOC, REALLOC, POSIX_MEMALIGN, SITES };

static const char *const kAllocators[SITES] = {"malloc", "calloc", "realloc", "posix_memalign"};
static const char *const kFunctions[SITES] = {"by_malloc", "by_calloc", "by_realloc", "by_posix_memalign"};

struct sums {
  long blocks, bytes;
};

struct books {
  struct sums all[SITES], live[SITES], peak[SITES];
  long live_bytes, peak_bytes;
  uint64_t random;
  long calls;
  struct {
    void *block;
    size_t size;
    int site;
  } slots[SLOTS];
};

static struct books books[MAX_THREADS];

SITE void *by_malloc(size_t size) {
  void *block = malloc(size);
  escape(block);
  return block;
}

SITE void *by_calloc(size_t size) {
  void *block = calloc(1, size);
  escape(block);
  return block;
}

SITE void *by_realloc(void *old, size_t size) {
  void *block = realloc(old, size);
  escape(block);
  return block;
}

SITE void *by_posix_memalign(size_t size) {
  void *block = NULL;
  if (posix_memalign(&block, 64, size) != 0) _exit(90);
  escape(block);
  return block;
}

static unsigned next_random(struct books *own) {
  own->random ^= own->random << 13;
  own->random ^= own->random >> 7;
  own->random ^= own->random << 17;
  return (unsigned)(own->random >> 16);
}

static void book_allocation(struct books *own, int slot, int site, void *block, size_t size) {
  own->slots[slot].block = block;
  own->slots[slot].size = size;
  own->slots[slot].site = site;
  own->all[site].blocks++;
  own->all[site].bytes += (long)size;
  own->live[site].blocks++;
  own->live[site].bytes += (long)size;
  own->live_bytes += (long)size;
  if (own->live_bytes < own->peak_bytes) return;
  own->peak_bytes = own->live_bytes;
  memcpy(own->peak, own->live, sizeof own->peak);
}

static void book_free(struct books *own, int slot) {
  int site = own->slots[slot].site;
  own->live[site].blocks--;
  own->live[site].bytes -= (long)own->slots[slot].size;
  own->live_bytes -= (long)own->slots[slot].size;
  own->slots[slot].block = NULL;
}

static void one_call(struct books *own) {
  int slot = (int)(next_random(own) % SLOTS);
  size_t size = 1 + next_random(own) % MAX_SIZE;
  void *old = own->slots[slot].block;
  if (old != NULL && next_random(own) % 3 != 0) {
    book_free(own, slot);
    free(old);
  } else if (old != NULL) {
    void *block = by_realloc(old, size);
    book_free(own, slot);
    book_allocation(own, slot, REALLOC, block, size);
  } else {
    int site = (int[]){MALLOC, CALLOC, POSIX_MEMALIGN}[next_random(own) % 3];
    void *block = site == MALLOC ? by_malloc(size) : site == CALLOC ? by_calloc(size) : by_posix_memalign(size);
    book_allocation(own, slot, site, block, size);
  }
}

SITE void *worker(void *argument) {
  struct books *own = argument;
  for (long i = 0; i < own->calls; i++) one_call(own);
  return NULL;
}

static void print_view(const char *view, int count, size_t offset) {
  char line[160];
  struct sums total = {0, 0};
  for (int site = 0; site < SITES; site++) {
    struct sums sums = {0, 0};
    for (int i = 0; i < count; i++) {
      const struct sums *own = (const struct sums *)((const char *)&books[i] + offset);
      sums.blocks += own[site].blocks;
      sums.bytes += own[site].bytes;
    }
    total.blocks += sums.blocks;
    total.bytes += sums.bytes;
    if (sums.blocks == 0) continue;
    snprintf(line, sizeof line, "EXPECT %s %s %s %ld %ld\n", view, kAllocators[site], kFunctions[site], sums.blocks,
             sums.bytes);
    say(line);
  }
  snprintf(line, sizeof line, "EXPECT total %s %ld %ld\n", view, total.blocks, total.bytes);
  say(line);
}

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 1;
  long calls = argc > 2 ? atol(argv[2]) : 50000;
  uint64_t seed = argc > 3 ? (uint64_t)atol(argv[3]) : 1;
  if (count < 1 || count > MAX_THREADS) return 2;
  pthread_t threads[MAX_THREADS];
  wait_for_gate();
  for (int i = 0; i < count; i++) {
    books[i].random = seed * 0x9e3779b97f4a7c15u + (uint64_t)i + 1;
    books[i].calls = calls;
    if (count > 1) pthread_create(&threads[i], NULL, worker, &books[i]);
  }
  if (count == 1) worker(&books[0]);
  for (int i = 0; i < count && count > 1; i++) pthread_join(threads[i], NULL);
  print_view("allocations", count, offsetof(struct books, all));
  print_view("leaks", count, offsetof(struct books, live));
  if (count == 1) print_view("high_watermark", count, offsetof(struct books, peak));
  say("ok\n");
  return 0;
}
