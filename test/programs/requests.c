/*
 * A server that starts a thread for each of 3000 requests, one after another; half of them are called "reader" and half
 * "writer". Each makes a temporary block and holds another one, which the thread of the next request frees. No more
 * threads than a process has rows for have one of their own, and nothing is lost by that: no block of another thread's
 * is taken for a temporary one.
 *
 * EXPECT allocations malloc parse 3000 96000
 * EXPECT allocations malloc hold 3000 300000
 * EXPECT total allocations 6000 396000
 * EXPECT leaks malloc hold 1 100
 * EXPECT total leaks 1 100
 * EXPECT temporary_allocations malloc parse 3000 96000
 * EXPECT total temporary_allocations 3000 96000
 * EXPECT roots serve
 */
#define _GNU_SOURCE
#include <pthread.h>
#include "gate.h"

enum { REQUESTS = 3000 };

static void *held;

SITE void parse(void) {
  void *block = malloc(32);
  escape(block);
  free(block);
}

SITE void *hold(void) {
  void *block = malloc(100);
  escape(block);
  return block;
}

SITE void *serve(void *name) {
  pthread_setname_np(pthread_self(), name);
  void *former = held;
  free(former);
  held = hold();
  parse();
  return NULL;
}

int main(void) {
  wait_for_gate();
  for (int i = 0; i < REQUESTS; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, i % 2 ? "writer" : "reader")) _exit(90);
    pthread_join(thread, NULL);
  }
  say("ok\n");
  return 0;
}
