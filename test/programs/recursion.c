/*
 * Allocations below a recursion of 2,000 frames (or as many as the first argument says) through two functions in turn.
 *
 * EXPECT allocations malloc leaf 3 300
 * EXPECT total allocations 3 300
 * EXPECT leaks malloc leaf 3 300
 * EXPECT total leaks 3 300
 * EXPECT high_watermark malloc leaf 3 300
 * EXPECT total high_watermark 3 300
 * EXPECT total temporary_allocations 0 0
 * EXPECT frames leaf ping 1000
 * EXPECT frames leaf pong 1000
 * EXPECT roots main
 */
#include "gate.h"

SITE void leaf(void) {
  void *block = malloc(100);
  escape(block);
}

SITE void pong(int left);

SITE void ping(int left) {
  char local[24];
  escape(local);
  if (left > 1) {
    pong(left - 1);
  } else {
    leaf();
  }
  escape(local);
}

SITE void pong(int left) {
  char local[40];
  escape(local);
  if (left > 1) {
    ping(left - 1);
  } else {
    leaf();
  }
  escape(local);
}

int main(int argc, char **argv) {
  int depth = argc > 1 ? atoi(argv[1]) : 2000;
  wait_for_gate();
  for (int i = 0; i < 3; i++) ping(depth);
  say("ok\n");
  return 0;
}
