/*
 * A hundred threads at once. Each makes 50 temporary pairs, then holds three blocks and leaks two; all meet with
 * everything allocated (the peak), and free. Every thread is one of its own in the capture.
 *
 * EXPECT allocations malloc churn 5000 160000
 * EXPECT allocations malloc hold 300 300000
 * EXPECT allocations malloc leak_in_thread 200 3200
 * EXPECT total allocations 5500 463200
 * EXPECT high_watermark malloc hold 300 300000
 * EXPECT high_watermark malloc leak_in_thread 200 3200
 * EXPECT total high_watermark 500 303200
 * EXPECT leaks malloc leak_in_thread 200 3200
 * EXPECT total leaks 200 3200
 * EXPECT temporary_allocations malloc churn 5000 160000
 * EXPECT total temporary_allocations 5000 160000
 * EXPECT threads hold 100
 * EXPECT threads churn 100
 * EXPECT roots worker
 */
#include <pthread.h>
#include "gate.h"

enum { THREADS = 100 };

static pthread_barrier_t all_running, all_held;

SITE void churn(void) {
  for (int i = 0; i < 50; i++) {
    void *block = malloc(32);
    escape(block);
    free(block);
  }
}

SITE void *hold(void) {
  void *block = malloc(1000);
  escape(block);
  return block;
}

SITE void leak_in_thread(void) {
  void *block = malloc(16);
  escape(block);
}

SITE void *worker(void *argument) {
  pthread_barrier_wait(&all_running);
  churn();
  void *blocks[3];
  for (int i = 0; i < 3; i++) blocks[i] = hold();
  leak_in_thread();
  leak_in_thread();
  pthread_barrier_wait(&all_held);
  for (int i = 0; i < 3; i++) free(blocks[i]);
  return argument;
}

int main(void) {
  wait_for_gate();
  pthread_t threads[THREADS];
  pthread_barrier_init(&all_running, NULL, THREADS);
  pthread_barrier_init(&all_held, NULL, THREADS);
  for (int i = 0; i < THREADS; i++) {
    if (pthread_create(&threads[i], NULL, worker, NULL) != 0) _exit(90);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  say("ok\n");
  return 0;
}
