/*
 * Replaces its own image four times, every second time by a call of exec in a thread other than the first. Each of the
 * five images allocates a hundred blocks and frees all but one, so that an image that is seen twice, or not at all,
 * shows in the numbers. The blocks of an image end with it, as leaks.
 *
 * EXPECT allocations malloc work 500 32000
 * EXPECT total allocations 500 32000
 * EXPECT leaks malloc work 5 320
 * EXPECT total leaks 5 320
 * EXPECT loss unmatched_free 0
 * EXPECT roots main
 */
#include <pthread.h>
#include <stdio.h>
#include "gate.h"

static char **own_arguments;
static char remaining[12];

SITE void work(void) {
  void *blocks[100];
  for (int i = 0; i < 100; i++) blocks[i] = malloc(64);
  for (int i = 1; i < 100; i++) free(blocks[i]);
  escape(blocks[0]);
}

static void *next_image(void *unused) {
  (void)unused;
  execv("/proc/self/exe", own_arguments);
  _exit(90);
}

int main(int argc, char **argv) {
  char *arguments[] = {argv[0], remaining, NULL};
  const int images = argc > 1 ? atoi(argv[1]) : 4;
  own_arguments = arguments;
  wait_for_gate();
  if (argc > 1 && getenv("MP_GATE") != NULL) sleep_ms(300); /* nobody holds it until its new image is known */
  work();
  if (images == 0) {
    say("ok\n");
    return 0;
  }
  snprintf(remaining, sizeof remaining, "%d", images - 1);
  if (images % 2 == 0) next_image(NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, next_image, NULL);
  pthread_join(thread, NULL);
  return 91;
}
