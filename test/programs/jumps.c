/*
 * Control flow that leaves frames behind: callbacks through qsort, longjmp out of a recursion and out of a callback,
 * allocating signal handlers on the normal and on an alternate stack, siglongjmp out of a handler. The signals are
 * raised between allocations, where a handler may allocate.
 *
 * EXPECT allocations malloc compare 20 320
 * EXPECT allocations malloc dive 1000 8000
 * EXPECT allocations malloc after_jump 20 200
 * EXPECT allocations malloc compare_and_leave 20 240
 * EXPECT allocations malloc on_signal 3 144
 * EXPECT allocations malloc on_signal_alternate 3 192
 * EXPECT allocations malloc on_signal_leave 3 240
 * EXPECT total allocations 1069 9336
 * EXPECT leaks malloc dive 1000 8000
 * EXPECT leaks malloc after_jump 20 200
 * EXPECT leaks malloc compare_and_leave 20 240
 * EXPECT leaks malloc on_signal 3 144
 * EXPECT leaks malloc on_signal_alternate 3 192
 * EXPECT leaks malloc on_signal_leave 3 240
 * EXPECT total leaks 1049 9016
 * EXPECT temporary_allocations malloc compare 20 320
 * EXPECT total temporary_allocations 20 320
 * EXPECT roots main
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include "gate.h"

static sigjmp_buf landing;
static volatile int pairs_left = 20;

SITE int compare(const void *one, const void *other) {
  if (pairs_left > 0) {
    pairs_left--;
    void *block = malloc(16);
    escape(block);
    free(block);
  }
  return *(const int *)one - *(const int *)other;
}

SITE void dive(int left) {
  void *block = malloc(8);
  escape(block);
  if (left == 0) return;
  if (left == 1) longjmp(landing, 1);
  dive(left - 1);
  escape(block);
}

SITE void after_jump(void) {
  void *block = malloc(10);
  escape(block);
}

SITE int compare_and_leave(const void *one, const void *other) {
  (void)one;
  (void)other;
  void *block = malloc(12);
  escape(block);
  longjmp(landing, 1);
}

SITE void on_signal(int number) {
  (void)number;
  void *block = malloc(48);
  escape(block);
}

SITE void on_signal_alternate(int number) {
  (void)number;
  void *block = malloc(64);
  escape(block);
}

SITE void on_signal_leave(int number) {
  (void)number;
  void *block = malloc(80);
  escape(block);
  siglongjmp(landing, 1);
}

SITE void sort(int (*comparison)(const void *, const void *)) {
  int numbers[32];
  for (int i = 0; i < 32; i++) numbers[i] = i * 11 % 32;
  qsort(numbers, 32, sizeof numbers[0], comparison);
  escape(numbers);
}

SITE void handle(int number, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigaction(number, &action, NULL);
}

int main(void) {
  static char stack[65536];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  wait_for_gate();
  sort(compare);
  for (volatile int i = 0; i < 20; i++) {
    if (setjmp(landing) == 0) dive(50);
    after_jump();
  }
  for (volatile int i = 0; i < 20; i++) {
    if (setjmp(landing) == 0) sort(compare_and_leave);
  }
  sigaltstack(&alternate, NULL);
  handle(SIGUSR1, on_signal, 0);
  handle(SIGUSR2, on_signal_alternate, SA_ONSTACK);
  handle(SIGHUP, on_signal_leave, 0);
  for (volatile int i = 0; i < 3; i++) {
    raise(SIGUSR1);
    raise(SIGUSR2);
    if (sigsetjmp(landing, 1) == 0) raise(SIGHUP);
  }
  say("ok\n");
  return 0;
}
