/*
 * Two allocators at the same time: libc's, and that of a library which is loaded later, with renamed functions. They are
 * only seen with --allocator-prefix my_.
 *
 * EXPECT allocations malloc from_library 100 10000
 * EXPECT allocations calloc from_library 1 3000
 * EXPECT allocations realloc from_library 50 30000
 * EXPECT allocations malloc from_libc 100 20000
 * EXPECT total allocations 251 63000
 * EXPECT leaks malloc from_library 10 1000
 * EXPECT leaks malloc from_libc 20 4000
 * EXPECT total leaks 30 5000
 * EXPECT loss unmatched_free 0
 * EXPECT roots main
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libgen.h>
#include "gate.h"

static void *(*my_malloc)(size_t), *(*my_calloc)(size_t, size_t), *(*my_realloc)(void *, size_t);
static void (*my_free)(void *);

static void load(void) {
  char path[4096];
  ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
  path[length > 0 ? length : 0] = 0;
  void *library = dlopen(strcat(dirname(path), "/libprefixed_allocator.so"), RTLD_NOW);
  if (!library) _exit(91);
  my_malloc = dlsym(library, "my_malloc");
  my_calloc = dlsym(library, "my_calloc");
  my_realloc = dlsym(library, "my_realloc");
  my_free = dlsym(library, "my_free");
}

SITE void from_library(void) {
  void *blocks[100];
  for (int i = 0; i < 100; i++) blocks[i] = my_malloc(100);
  for (int i = 0; i < 50; i++) blocks[i] = my_realloc(blocks[i], 600);
  for (int i = 0; i < 90; i++) my_free(blocks[i]);
  if (my_realloc(blocks[95], (size_t)1 << 40)) _exit(92);
  my_free(my_calloc(30, 100));
}

SITE void from_libc(void) {
  void *blocks[100];
  for (int i = 0; i < 100; i++) blocks[i] = malloc(200);
  for (int i = 0; i < 80; i++) free(blocks[i]);
}

int main(void) {
  wait_for_gate();
  load();
  sleep_ms(100); /* until an attached tracer has noticed */
  from_library();
  from_libc();
  say("ok\n");
  return 0;
}
