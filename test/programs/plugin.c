/* The library that leaks.c and early_library.c open at run time: its numbers are stated there. */
#include "gate.h"

SITE void plugin_leak(void) {
  for (int i = 0; i < 2; i++) {
    void *block = malloc(77);
    escape(block);
  }
}

SITE __attribute__((constructor)) void plugin_constructor(void) {
  if (getenv("MP_TEST_EARLY") == NULL) return;
  void *block = malloc(88);
  escape(block);
}
