/*
 * A library that allocates in its constructor, the moment it is opened. A tracer that has launched the program holds it
 * until it knows the library. One that is attached may be late: it counts the allocation, with a stack that is cut.
 *
 * EXPECT run leaks malloc plugin_constructor 1 88
 * EXPECT run leaks malloc plugin_leak 2 154
 * EXPECT run total leaks 3 242
 * EXPECT roots main
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include "gate.h"

int main(int argc, char **argv) {
  (void)argc;
  char path[PATH_MAX];
  wait_for_gate();
  snprintf(path, sizeof path, "%.*s/libplugin.so", (int)(strrchr(argv[0], '/') - argv[0]), argv[0]);
  setenv("MP_TEST_EARLY", "1", 1);
  void *plugin = dlopen(path, RTLD_NOW);
  if (plugin == NULL) _exit(90);
  void (*leak)(void) = (void (*)(void))(uintptr_t)dlsym(plugin, "plugin_leak");
  leak();
  say("ok\n");
  return 0;
}
