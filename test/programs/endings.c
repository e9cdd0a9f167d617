/*
 * Ends as its argument says: exit N, _exit N, segv, abort, kill, int, return N. Everything before the end counts.
 *
 * EXPECT allocations malloc leak 1000 64000
 * EXPECT allocations calloc last_words 1 4321
 * EXPECT total allocations 1001 68321
 * EXPECT leaks malloc leak 1000 64000
 * EXPECT leaks calloc last_words 1 4321
 * EXPECT total leaks 1001 68321
 * EXPECT high_watermark malloc leak 1000 64000
 * EXPECT high_watermark calloc last_words 1 4321
 * EXPECT total high_watermark 1001 68321
 * EXPECT total temporary_allocations 0 0
 * EXPECT roots main
 */
#include <signal.h>
#include "gate.h"

SITE void leak(void) {
  for (int i = 0; i < 1000; i++) {
    void *block = malloc(64);
    escape(block);
  }
}

SITE void last_words(void) {
  void *block = calloc(1, 4321);
  escape(block);
}

SITE void crash(void) {
  volatile int *nowhere = (volatile int *)16;
  *nowhere = 1;
}

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "return";
  int code = argc > 2 ? atoi(argv[2]) : 0;
  wait_for_gate();
  leak();
  say("ok\n");
  last_words();
  if (strcmp(how, "exit") == 0) exit(code);
  if (strcmp(how, "_exit") == 0) _exit(code);
  if (strcmp(how, "segv") == 0) crash();
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "kill") == 0) kill(getpid(), SIGKILL);
  if (strcmp(how, "int") == 0) raise(SIGINT);
  return code;
}
