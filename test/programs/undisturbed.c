/*
 * Looks for traces of a tracer that stops and continues it while it opens a library: a handler of SIGCONT that is called,
 * a thread whose sleep is interrupted. Says "ok", or what it saw.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include "gate.h"

static volatile sig_atomic_t continued;
static volatile int is_asleep, is_interrupted;

static void on_continue(int number) {
  (void)number;
  continued = 1;
}

static void *sleeper(void *unused) {
  (void)unused;
  struct epoll_event event;
  const int queue = epoll_create1(0);
  is_asleep = 1;
  if (epoll_wait(queue, &event, 1, 300) < 0 && errno == EINTR) is_interrupted = 1;
  return NULL;
}

static void open_library(const char *program) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%.*s/libplugin.so", (int)(strrchr(program, '/') - program), program);
  void *library = dlopen(path, RTLD_NOW);
  if (library == NULL) _exit(90);
  dlclose(library);
}

int main(int argc, char **argv) {
  (void)argc;
  pthread_t thread;
  pthread_create(&thread, NULL, sleeper, NULL);
  while (!is_asleep) sleep_ms(1);
  sleep_ms(50);
  open_library(argv[0]);
  pthread_join(thread, NULL);

  struct sigaction action = {.sa_handler = on_continue};
  sigaction(SIGCONT, &action, NULL);
  open_library(argv[0]);
  if (continued) say("SIGCONT was handled\n");
  if (is_interrupted) say("epoll_wait was interrupted\n");
  if (!continued && !is_interrupted) say("ok\n");
  return 0;
}
