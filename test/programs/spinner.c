/*
 * Works until it is told to stop, and checks itself: every block is filled on allocation and compared before it is
 * freed. MP_STOP=FILE ends it when FILE exists, otherwise its first argument in milliseconds (10,000 without). The
 * second argument is the number of threads. Prints "self-check ok" and exits with 0, or says what is wrong and exits
 * with 91.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include "gate.h"

enum { BLOCKS = 32, MAX_THREADS = 16 };

static volatile int stopping;

static void damaged(void) {
  say("self-check failed: a block changed\n");
  _exit(91);
}

static void check(const unsigned char *block, size_t size, unsigned char mark) {
  for (size_t i = 0; i < size; i++) {
    if (block[i] != mark) damaged();
  }
}

SITE void *allocate(size_t size) {
  void *block = malloc(size);
  if (block == NULL) damaged();
  return block;
}

SITE void *extend(void *block, size_t size) {
  block = realloc(block, size);
  if (block == NULL) damaged();
  return block;
}

SITE void map_once(void) {
  unsigned char *pages = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) damaged();
  pages[8192] = 1;
  check(pages, 4096, 0);
  munmap(pages, 16384);
}

SITE void round_of_work(unsigned round) {
  unsigned char *blocks[BLOCKS];
  for (unsigned i = 0; i < BLOCKS; i++) {
    size_t size = 16 + (round * 7 + i * 31) % 200;
    blocks[i] = allocate(size);
    memset(blocks[i], (int)(i + 1), size);
  }
  for (unsigned i = 0; i < BLOCKS; i++) {
    size_t size = 16 + (round * 7 + i * 31) % 200;
    if (i % 4 == 0) {
      blocks[i] = extend(blocks[i], size * 2);
    }
    check(blocks[i], size, (unsigned char)(i + 1));
    free(blocks[i]);
  }
  map_once();
}

static void *work(void *argument) {
  unsigned round = 0;
  while (!stopping) round_of_work(round++);
  *(unsigned *)argument = round;
  return NULL;
}

static int should_stop(long waited_ms, long limit_ms) {
  const char *stop = getenv("MP_STOP");
  if (stop != NULL && access(stop, F_OK) == 0) return 1;
  return waited_ms >= limit_ms;
}

int main(int argc, char **argv) {
  long limit_ms = argc > 1 ? atol(argv[1]) : 10000;
  int count = argc > 2 ? atoi(argv[2]) : 1;
  if (count > MAX_THREADS) count = MAX_THREADS;
  pthread_t threads[MAX_THREADS];
  unsigned rounds[MAX_THREADS] = {0};
  wait_for_gate();
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, work, &rounds[i]);
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  long waited_ms = 0;
  while (!should_stop(waited_ms, limit_ms)) {
    sleep_ms(2);
    clock_gettime(CLOCK_MONOTONIC, &now);
    waited_ms = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
  }
  stopping = 1;
  unsigned long total = 0;
  for (int i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
    total += rounds[i];
  }
  char line[64];
  snprintf(line, sizeof line, "self-check ok, %lu rounds\n", total);
  say(line);
  return 0;
}
