/*
 * Children that nobody asked to follow: a fork that allocates and frees its parent's blocks, a vfork and a posix_spawn
 * that exec. None of it is the parent's, whose blocks stay live; the children end as if there were no tracer.
 * (posix_spawn maps a stack for a moment: the second half of the blocks is bigger.)
 *
 * EXPECT allocations malloc parent_work 20 200000
 * EXPECT total allocations 20 200000
 * EXPECT leaks malloc parent_work 20 200000
 * EXPECT total leaks 20 200000
 * EXPECT high_watermark malloc parent_work 20 200000
 * EXPECT total high_watermark 20 200000
 * EXPECT total temporary_allocations 0 0
 * EXPECT loss unmatched_free 0
 * EXPECT roots main
 */
#define _GNU_SOURCE
#include <spawn.h>
#include <sys/wait.h>
#include "gate.h"

extern char **environ;
static void *blocks[20];

SITE void parent_work(int from) {
  for (int i = from; i < from + 10; i++) {
    blocks[i] = malloc(10000);
    escape(blocks[i]);
  }
}

SITE void child_work(void) {
  for (int i = 0; i < 500; i++) {
    void *block = malloc(64);
    escape(block);
    if (i % 2 == 0) free(block);
  }
  for (int i = 0; i < 10; i++) free(blocks[i]);
}

static void must_end_well(pid_t child) {
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) _exit(90);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) _exit(92);
}

int main(void) {
  static char *const arguments[] = {"true", NULL};
  wait_for_gate();
  parent_work(0);
  pid_t child = fork();
  if (child == 0) {
    child_work();
    _exit(0);
  }
  must_end_well(child);
  child = vfork();
  if (child == 0) {
    execv("/bin/true", arguments);
    _exit(93);
  }
  must_end_well(child);
  if (posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environ) != 0) _exit(94);
  must_end_well(child);
  parent_work(10);
  say("ok\n");
  return 0;
}
