/*
 * Blocks that live for a known number of other allocations of their thread:
 *
 *   grow    a vector of 8-byte elements that doubles 10 times: 8, 16, … 8192 bytes. Each block but the last is freed
 * after one other allocation, the last after none. nest    20 blocks of 1, 2, … 20 bytes, freed in reverse: the one of
 * n bytes after 20 - n others pair    in each of two threads at once, 50 times: 10 bytes, freed at once queue   in each
 * of them, 10 times: three blocks of 5 bytes, freed in the order in which they were allocated, with a pair between two
 * frees: each is freed after two others
 *
 * Temporary at a threshold, as blocks and bytes:
 *
 *   threshold  grow       nest      pair       queue
 *   0          1  8192    1   20    100 1000   0
 *   1          11 16376   2   39    100 1000   0
 *   2          11 16376   3   57    100 1000   60 300
 *   5          11 16376   6   105   100 1000   60 300
 *   10         11 16376   11  165   100 1000   60 300
 *   18         11 16376   19  209   100 1000   60 300
 *   1000       11 16376   20  210   100 1000   60 300
 */
#include <pthread.h>
#include <string.h>
#include "gate.h"

static pthread_barrier_t begin;

SITE void grow(void) {
  char *elements = NULL;
  for (size_t size = 8; size <= 8192; size *= 2) {
    char *larger = malloc(size);
    escape(larger);
    if (elements != NULL) memcpy(larger, elements, size / 2);
    free(elements);
    elements = larger;
  }
  free(elements);
}

SITE void nest(int depth) {
  void *block = malloc((size_t)depth);
  escape(block);
  if (depth < 20) nest(depth + 1);
  free(block);
}

SITE void pair(void) {
  void *block = malloc(10);
  escape(block);
  free(block);
}

SITE void queue(void) {
  void *blocks[3];
  for (int i = 0; i < 3; i++) {
    blocks[i] = malloc(5);
    escape(blocks[i]);
  }
  for (int i = 0; i < 3; i++) {
    free(blocks[i]);
    if (i < 2) pair();
  }
}

SITE void *work(void *argument) {
  pthread_barrier_wait(&begin);
  for (int i = 0; i < 10; i++) queue();
  for (int i = 0; i < 30; i++) pair();
  return argument;
}

int main(void) {
  wait_for_gate();
  pthread_t other;
  pthread_barrier_init(&begin, NULL, 2);
  grow();
  nest(1);
  pthread_create(&other, NULL, work, NULL);
  work(NULL);
  pthread_join(other, NULL);
  say("ok\n");
  return 0;
}
