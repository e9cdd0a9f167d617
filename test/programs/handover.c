/*
 * Blocks freed by another thread than the one that allocated them: the site stays with the allocating thread. Only the
 * first 900 of 1000 are freed, so that none is freed soon after its allocation. main frees what an ended thread left.
 *
 * EXPECT allocations malloc produce 1000 64000
 * EXPECT allocations calloc left_behind 4 400
 * EXPECT total allocations 1004 64400
 * EXPECT high_watermark malloc produce 1000 64000
 * EXPECT total high_watermark 1000 64000
 * EXPECT leaks malloc produce 100 6400
 * EXPECT leaks calloc left_behind 2 200
 * EXPECT total leaks 102 6600
 * EXPECT total temporary_allocations 0 0
 * EXPECT threads produce 1
 * EXPECT roots producer heir
 */
#include <pthread.h>
#include "gate.h"

enum { BLOCKS = 1000, FREED = 900 };

static void *blocks[BLOCKS];
static void *estate[4];
static pthread_barrier_t produced;

SITE void produce(void) {
  for (int i = 0; i < BLOCKS; i++) {
    blocks[i] = malloc(64);
    escape(blocks[i]);
  }
}

SITE void *producer(void *argument) {
  produce();
  pthread_barrier_wait(&produced);
  return argument;
}

SITE void *consumer(void *argument) {
  pthread_barrier_wait(&produced);
  for (int i = 0; i < FREED; i++) free(blocks[i]);
  return argument;
}

SITE void left_behind(void) {
  for (int i = 0; i < 4; i++) {
    estate[i] = calloc(1, 100);
    escape(estate[i]);
  }
}

SITE void *heir(void *argument) {
  left_behind();
  return argument;
}

int main(void) {
  wait_for_gate();
  pthread_t from, to, third;
  pthread_barrier_init(&produced, NULL, 2);
  pthread_create(&from, NULL, producer, NULL);
  pthread_create(&to, NULL, consumer, NULL);
  pthread_join(from, NULL);
  pthread_join(to, NULL);
  pthread_create(&third, NULL, heir, NULL);
  pthread_join(third, NULL);
  free(estate[0]);
  free(estate[1]);
  say("ok\n");
  return 0;
}
