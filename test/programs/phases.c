/*
 * Three phases with pauses between them, each begun by an allocation of its marker, all 400 ms or more apart:
 *
 *   marker_one    load() keeps 1000 bytes; swell() allocates 3 x 100,000, then frees them
 *   marker_two    swell() again, 2 x 100,000; hold() keeps 500 bytes until the third phase
 *   marker_three  hold()'s block is freed; 40 times load() keeps 20 bytes
 *
 * Markers keep one byte each. From a marker to the next:
 *
 *   phase  high watermark                             leaks                    allocations
 *   1      one 1, load 1000, swell 3 x 100,000        one 1, load 1000         one 1, load 1000, swell 300,000
 *   2      one, two 1, load 1000, swell 2 x 100,000   two 1, hold 500          two 1, swell 200,000, hold 500
 *   3      one, two, three 1, load 41 x, 1800         three 1, load 40 x, 800  three 1, load 800
 */
#include "gate.h"

SITE void marker_one(void) {
  void *block = malloc(1);
  escape(block);
}

SITE void marker_two(void) {
  void *block = malloc(1);
  escape(block);
}

SITE void marker_three(void) {
  void *block = malloc(1);
  escape(block);
}

SITE void load(size_t size) {
  void *block = malloc(size);
  escape(block);
}

SITE void *hold(void) {
  void *block = malloc(500);
  escape(block);
  return block;
}

SITE void swell(int count) {
  void *blocks[3];
  for (int i = 0; i < count; i++) {
    blocks[i] = malloc(100000);
    escape(blocks[i]);
    sleep_ms(15);
  }
  for (int i = 0; i < count; i++) free(blocks[i]);
}

int main(void) {
  wait_for_gate();
  marker_one();
  load(1000);
  swell(3);
  sleep_ms(400);
  marker_two();
  swell(2);
  void *held = hold();
  sleep_ms(400);
  marker_three();
  free(held);
  for (int i = 0; i < 40; i++) load(20);
  say("ok\n");
  return 0;
}
