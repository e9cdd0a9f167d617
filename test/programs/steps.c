/*
 * Allocates and frees on demand, and otherwise sleeps: on SIGUSR1 one block of 1 MiB in `take`, whose address it says
 * (`took 0x7f…`), on SIGUSR2 frees it (`gave`), on SIGTERM ends (`ok`). Nothing else is allocated.
 */
#include "gate.h"
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

static void *block;

SITE void take(void) {
  block = malloc(1 << 20);
  escape(block);
}

int main(void) {
  sigset_t steps;
  sigemptyset(&steps);
  sigaddset(&steps, SIGUSR1);
  sigaddset(&steps, SIGUSR2);
  sigaddset(&steps, SIGTERM);
  sigprocmask(SIG_BLOCK, &steps, NULL);
  wait_for_gate();
  say("ready\n");
  for (;;) {
    int step = 0;
    sigwait(&steps, &step);
    if (step == SIGTERM) break;
    if (step == SIGUSR1) {
      char line[64];
      take();
      snprintf(line, sizeof(line), "took 0x%jx\n", (uintmax_t)(uintptr_t)block);
      say(line);
    } else {
      free(block);
      block = NULL;
      say("gave\n");
    }
  }
  say("ok\n");
  return 0;
}
