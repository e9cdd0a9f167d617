/*
 * Opens and closes a library with an allocator of its own many times, and calls that allocator each time: its probes must
 * count every call once, however often the library was mapped.
 *
 * EXPECT allocations malloc use 200 8000
 * EXPECT total allocations 200 8000
 * EXPECT total leaks 0 0
 * EXPECT roots main
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include "gate.h"

typedef void *(*allocate_function)(size_t);
typedef void (*free_function)(void *);

SITE void use(int count, allocate_function allocate, free_function release) {
  for (int i = 0; i < count; i++) {
    void *block = allocate(40);
    escape(block);
    release(block);
  }
}

int main(int argc, char **argv) {
  (void)argc;
  char path[PATH_MAX];
  wait_for_gate();
  snprintf(path, sizeof path, "%.*s/libown_allocator.so", (int)(strrchr(argv[0], '/') - argv[0]), argv[0]);
  const int is_attached = getenv("MP_GATE") != NULL; /* then nobody holds it until the library is known */
  const int rounds = is_attached ? 4 : 20;
  for (int i = 0; i < rounds; i++) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) _exit(90);
    if (is_attached) sleep_ms(500);
    use(200 / rounds, (allocate_function)(uintptr_t)dlsym(library, "malloc"), (free_function)(uintptr_t)dlsym(library, "free"));
    dlclose(library);
  }
  say("ok\n");
  return 0;
}
