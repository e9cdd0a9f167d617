/*
 * For those who watch a recording: keeps blocks, says so and waits at its gate. Behind it there are many events.
 *
 * EXPECT allocations malloc keep 100 1000000
 * EXPECT allocations malloc pair 200000 12800000
 * EXPECT total allocations 200100 13800000
 * EXPECT high_watermark malloc keep 100 1000000
 * EXPECT high_watermark malloc pair 1 64
 * EXPECT total high_watermark 101 1000064
 * EXPECT leaks malloc keep 100 1000000
 * EXPECT total leaks 100 1000000
 * EXPECT temporary_allocations malloc pair 200000 12800000
 * EXPECT total temporary_allocations 200000 12800000
 * EXPECT roots main
 */
#include "gate.h"

SITE void keep(void) {
  void *block = malloc(10000);
  escape(block);
}

SITE void store(int count) {
  for (int i = 0; i < count; i++) keep();
}

SITE void pair(void) {
  void *block = malloc(64);
  escape(block);
  free(block);
}

int main(void) {
  store(100);
  say("kept\n");
  wait_for_gate();
  for (int i = 0; i < 200000; i++) pair();
  say("ok\n");
  return 0;
}
