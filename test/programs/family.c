/*
 * Process trees, one kind for each word that it is called with. Children work in functions of their own, and never free
 * what their parent made unless it is said.
 *
 *   pool        3 forked workers share 15,111 pairs of valloc(1234) and free: pool_task. The parent keeps 100 blocks of
 *               5,000: keep.
 *   crowd       200 forked children, each three mallocs of 10, 20 and 30 bytes, that end at once: brief. 8 at a time.
 *   daemon      forks a child that forks a grandchild and ends; the grandchild keeps 7 blocks of 700: keep.
 *   chain 5     an image that keeps 5 blocks of 500 and is replaced by one with 4 blocks of 400, … 1 of 100: keep.
 *   vfork       vfork and exec of `leaf 3`
 *   spawn       posix_spawn of `leaf 4`
 *   fork        fork and exec of `leaf 5`
 *   leaf N      keeps N blocks of N * 100 bytes: keep. Ends with exit code N.
 *   killed      a forked child keeps 2 blocks of 200 and kills itself with SIGKILL: keep.
 *   wrapper     waits for its child as su does: when that has stopped it stops itself, and continues it then. The child
 *               execs `leaf 3` when it is waited for, so that its parent is told of a stop.
 *   threads     4 threads fork at the same time, 25 times each; every child keeps 1 block of 64: keep.
 *
 * The parents wait for their children and end with 0, or 90 if one did not end as it should.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include "gate.h"

extern char **environ;

SITE void keep(int count, size_t size) {
  for (int i = 0; i < count; i++) escape(malloc(size));
}

SITE void pool_task(void) {
  void *block = valloc(1234);
  escape(block);
  free(block);
}

SITE void brief(void) {
  for (int i = 1; i <= 3; i++) escape(malloc(i * 10));
}

static void must_end(pid_t child, int code) {
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) _exit(90);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != code) _exit(90);
}

static void pool(void) {
  pid_t workers[3];
  for (int i = 0; i < 3; i++) {
    workers[i] = fork();
    if (workers[i] != 0) continue;
    for (int task = i; task < 15111; task += 3) pool_task();
    _exit(0);
  }
  keep(100, 5000);
  for (int i = 0; i < 3; i++) must_end(workers[i], 0);
}

static void crowd(void) {
  for (int round = 0; round < 25; round++) {
    pid_t children[8];
    for (int i = 0; i < 8; i++) {
      children[i] = fork();
      if (children[i] != 0) continue;
      brief();
      _exit(0);
    }
    for (int i = 0; i < 8; i++) must_end(children[i], 0);
  }
}

static void make_daemon(void) {
  pid_t child = fork();
  if (child == 0) {
    if (setsid() < 0) _exit(91);
    if (fork() == 0) {
      sleep_ms(50);
      keep(7, 700);
      _exit(7);
    }
    _exit(0);
  }
  must_end(child, 0);
}

static void chain(char *self, int left) {
  char next[12];
  keep(left, left * 100);
  if (left == 1) return;
  snprintf(next, sizeof(next), "%d", left - 1);
  char *arguments[] = {self, "chain", next, NULL};
  execv("/proc/self/exe", arguments);
  _exit(92);
}

static void exec_leaf(char *self, char *count) {
  char *arguments[] = {self, "leaf", count, NULL};
  execv("/proc/self/exe", arguments);
  _exit(92);
}

static void run_leaf(const char *how, char *self) {
  char *count = *how == 'v' ? "3" : *how == 's' ? "4" : "5";
  char *arguments[] = {self, "leaf", count, NULL};
  pid_t child;
  if (*how == 's') {
    if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) != 0) _exit(90);
  } else {
    child = *how == 'v' ? vfork() : fork();
    if (child == 0) exec_leaf(self, count);
  }
  must_end(child, atoi(count));
}

static void killed(void) {
  pid_t child = fork();
  if (child == 0) {
    keep(2, 200);
    raise(SIGKILL);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) _exit(90);
}

static void wrapper(char *self) {
  pid_t child = fork();
  if (child == 0) {
    sleep_ms(50);
    exec_leaf(self, "3");
  }
  for (int status = 0;;) {
    if (waitpid(child, &status, WUNTRACED) != child) _exit(90);
    if (!WIFSTOPPED(status)) _exit(WIFEXITED(status) && WEXITSTATUS(status) == 3 ? 0 : 90);
    raise(SIGSTOP);
    kill(child, SIGCONT);
  }
}

static void *fork_often(void *unused) {
  for (int i = 0; i < 25; i++) {
    pid_t child = fork();
    if (child == 0) {
      keep(1, 64);
      _exit(0);
    }
    must_end(child, 0);
  }
  return unused;
}

static void threads(void) {
  pthread_t others[4];
  for (int i = 0; i < 4; i++) pthread_create(&others[i], NULL, fork_often, NULL);
  for (int i = 0; i < 4; i++) pthread_join(others[i], NULL);
}

int main(int count, char **words) {
  const char *what = count > 1 ? words[1] : "";
  const int number = count > 2 ? atoi(words[2]) : 0;
  wait_for_gate();
  if (strcmp(what, "pool") == 0) pool();
  else if (strcmp(what, "crowd") == 0) crowd();
  else if (strcmp(what, "daemon") == 0) make_daemon();
  else if (strcmp(what, "chain") == 0) chain(words[0], number);
  else if (strcmp(what, "killed") == 0) killed();
  else if (strcmp(what, "wrapper") == 0) wrapper(words[0]);
  else if (strcmp(what, "threads") == 0) threads();
  else if (strcmp(what, "leaf") == 0) {
    keep(number, number * 100);
    return number;
  } else run_leaf(what, words[0]);
  return 0;
}
