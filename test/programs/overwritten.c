/*
 * Opens a library with an allocator of its own, closes it, overwrites the file with another build of it, whose functions
 * lie elsewhere, and opens it again: the same inode, other probe sites.
 *
 * EXPECT run allocations malloc use 20 800
 * EXPECT run total allocations 20 800
 * EXPECT roots main
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include "gate.h"

static char folder[PATH_MAX - 64];
static char library[PATH_MAX];

SITE void use(void *(*allocate)(size_t), void (*release)(void *)) {
  for (int i = 0; i < 10; i++) {
    void *block = allocate(40);
    escape(block);
    release(block);
  }
}

static void install(const char *name) {
  char source[PATH_MAX], buffer[4096];
  snprintf(source, sizeof source, "%s/%s", folder, name);
  const int from = open(source, O_RDONLY), to = open(library, O_WRONLY | O_CREAT | O_TRUNC, 0700);
  if (from < 0 || to < 0) _exit(91);
  for (ssize_t got; (got = read(from, buffer, sizeof buffer)) > 0;)
    if (write(to, buffer, got) != got) _exit(92);
  close(from);
  close(to);
}

int main(int argc, char **argv) {
  (void)argc;
  snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(argv[0], '/') - argv[0]), argv[0]);
  snprintf(library, sizeof library, "/tmp/mp-overwritten.%d.so", getpid());
  for (int i = 0; i < 2; i++) {
    install(i == 0 ? "libown_allocator.so" : "libown_allocator2.so");
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) _exit(90);
    use((void *(*)(size_t))(uintptr_t)dlsym(handle, "malloc"), (void (*)(void *))(uintptr_t)dlsym(handle, "free"));
    dlclose(handle);
  }
  unlink(library);
  say("ok\n");
  return 0;
}
