/*
 * Leaks until it is ended from outside: 64 KiB blocks by `leak_block`, every page of them written to, beside blocks that
 * are freed. With an argument only so many MiB, which it then keeps until a signal comes.
 */
#include "gate.h"

enum { BLOCK_BYTES = 1 << 16 };

SITE void leak_block(void) {
  char *block = malloc(BLOCK_BYTES);
  if (block == NULL) _exit(95);
  for (int at = 0; at < BLOCK_BYTES; at += 4096) block[at] = 1;
  escape(block);
}

SITE void pass_block(void) {
  void *block = malloc(1000);
  escape(block);
  free(block);
}

int main(int argc, char **argv) {
  const long most = argc > 1 ? atol(argv[1]) << 20 : -1;
  wait_for_gate();
  for (long leaked = 0; most < 0 || leaked < most; leaked += BLOCK_BYTES) {
    leak_block();
    pass_block();
  }
  say("full\n");
  for (;;) sleep_ms(1000);
}
