/*
 * Fills a small ring buffer while nobody reads it, and replaces its image when no more event fits:
 *
 *     flood PROGRAM ARGS…
 */
#include "gate.h"

int main(int argc, char **argv) {
  (void)argc;
  wait_for_gate();
  for (int i = 0; i < 50000; i++) {
    void *block = malloc(32);
    escape(block);
    free(block);
  }
  execv(argv[1], argv + 1);
  return 91;
}
