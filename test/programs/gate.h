/*
 * What all target programs share. None of it allocates, so that it never disturbs a stated truth.
 *
 * The gate.  A program that is to be attached to must not work before the probes are in place. With MP_GATE=FILE in its
 * environment it waits until FILE exists; without, it goes on at once (`mp run`, by hand).
 *
 * Optimization.  SITE keeps a function in one piece under its own name; escape() stops the compiler from removing
 * an allocation that nobody looks at and, placed behind a call, from turning that call into a jump.
 */
#ifndef MP_TEST_GATE_H
#define MP_TEST_GATE_H

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SITE __attribute__((noipa))
#define INLINED static inline __attribute__((always_inline))

INLINED void escape(void *pointer) {
  __asm__ volatile("" : : "r"(pointer) : "memory");
}

INLINED void sleep_ms(long milliseconds) {
  struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&pause, NULL);
}

INLINED void wait_for_gate(void) {
  const char *gate = getenv("MP_GATE");
  if (gate == NULL) return;
  while (access(gate, F_OK) != 0) sleep_ms(1);
}

/* The self-check that tests read: a line on standard output, written at once. */
INLINED void say(const char *line) {
  if (write(1, line, strlen(line)) < 0) _exit(99);
}

#endif
