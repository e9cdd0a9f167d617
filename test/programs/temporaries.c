/*
 * How many other allocations of the same thread lie between an allocation and its free: up to one makes it temporary.
 * between_other_thread's block outlives five allocations, but another thread's.
 *
 * EXPECT temporary_allocations malloc none_between 10 200
 * EXPECT temporary_allocations malloc one_between 10 300
 * EXPECT temporary_allocations malloc between_other_thread 1 77
 * EXPECT total temporary_allocations 21 577
 * EXPECT allocations malloc none_between 10 200
 * EXPECT allocations malloc one_between 10 300
 * EXPECT allocations malloc two_between 10 400
 * EXPECT allocations malloc sixteen_between 1 60
 * EXPECT allocations malloc seventeen_between 1 70
 * EXPECT allocations malloc between_other_thread 1 77
 * EXPECT allocations malloc spacer 68 544
 * EXPECT total allocations 101 1651
 * EXPECT leaks malloc spacer 68 544
 * EXPECT total leaks 68 544
 * EXPECT threshold none_between 0 10
 * EXPECT threshold one_between 1 10
 * EXPECT threshold two_between 2 10
 * EXPECT threshold sixteen_between 16 1
 * EXPECT threshold between_other_thread 0 1
 * EXPECT roots main other_thread
 */
#include <pthread.h>
#include "gate.h"

static pthread_barrier_t step;

SITE void spacer(int count) {
  for (int i = 0; i < count; i++) {
    void *block = malloc(8);
    escape(block);
  }
}

SITE void none_between(void) {
  void *block = malloc(20);
  escape(block);
  free(block);
}

SITE void one_between(void) {
  void *block = malloc(30);
  escape(block);
  spacer(1);
  free(block);
}

SITE void two_between(void) {
  void *block = malloc(40);
  escape(block);
  spacer(2);
  free(block);
}

SITE void sixteen_between(void) {
  void *block = malloc(60);
  escape(block);
  spacer(16);
  free(block);
}

SITE void seventeen_between(void) {
  void *block = malloc(70);
  escape(block);
  spacer(17);
  free(block);
}

SITE void between_other_thread(void) {
  void *block = malloc(77);
  escape(block);
  pthread_barrier_wait(&step);
  pthread_barrier_wait(&step);
  free(block);
}

SITE void *other_thread(void *argument) {
  pthread_barrier_wait(&step);
  spacer(5);
  pthread_barrier_wait(&step);
  return argument;
}

int main(void) {
  wait_for_gate();
  pthread_t other;
  pthread_barrier_init(&step, NULL, 2);
  pthread_create(&other, NULL, other_thread, NULL);
  for (int i = 0; i < 10; i++) none_between();
  for (int i = 0; i < 10; i++) one_between();
  for (int i = 0; i < 10; i++) two_between();
  sixteen_between();
  seventeen_between();
  between_other_thread();
  pthread_join(other, NULL);
  say("ok\n");
  return 0;
}
