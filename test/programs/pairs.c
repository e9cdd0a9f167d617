/*
 * Threads that do nothing but allocate and free, faster than anybody can read what they did:
 *
 *     pairs THREADS PAIRS       PAIRS of each thread; THREADS * PAIRS allocations in `pair`, all freed
 *     pairs 0 PAIRS             the first thread does it, so that nothing else is allocated meanwhile
 */
#include <pthread.h>
#include "gate.h"

static long pairs;

SITE void pair(void) {
  void *block = malloc(32);
  escape(block);
  free(block);
}

static void *work(void *argument) {
  for (long i = 0; i < pairs; i++) pair();
  return argument;
}

int main(int argc, char **argv) {
  enum { MAX_THREADS = 64 };
  pthread_t threads[MAX_THREADS];
  const int count = argc > 1 ? atoi(argv[1]) : 1;
  pairs = argc > 2 ? atol(argv[2]) : 1000;
  if (count > MAX_THREADS) return 92;
  wait_for_gate();
  if (count == 0) work(NULL);
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, work, NULL);
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  say("ok\n");
  return 0;
}
