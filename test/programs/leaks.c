/*
 * The kinds of leak: in a constructor, in main, in a thread, in the destructor of a thread-specific key, by a realloc
 * chain, in a callback of qsort, in a library opened at run time, of zero bytes, of a mapping,
 * through strdup (whose innermost frame is libc's, hence "via"), of a cycle that nobody points to, in an atexit
 * handler, in a destructor. The last block is the biggest, so that the peak is the end. The library is given a moment
 * before it leaks: an attached tracer learns of it while the program runs on (early_library.c doesn't wait).
 *
 * EXPECT leaks malloc before_main 3 33
 * EXPECT leaks malloc leak_in_main 1 101
 * EXPECT leaks calloc leak_in_thread 2 140
 * EXPECT leaks malloc leak_in_key_destructor 1 66
 * EXPECT leaks realloc chain 1 400
 * EXPECT leaks malloc compare_and_leak 5 120
 * EXPECT leaks malloc plugin_leak 2 154
 * EXPECT leaks malloc leak_nothing 4 0
 * EXPECT leaks mmap leak_mapping 1 8192
 * EXPECT leaks malloc leak_cycle 2 64
 * EXPECT leaks posix_memalign leak_aligned 1 250
 * EXPECT leaks malloc inlined_site 6 300
 * EXPECT leaks malloc leak_at_exit 1 55
 * EXPECT leaks malloc leak_in_destructor 1 100000
 * EXPECT total leaks 31 109875
 * EXPECT via leaks malloc leak_by_strdup 1 6
 * EXPECT high_watermark malloc before_main 3 33
 * EXPECT high_watermark malloc leak_in_main 1 101
 * EXPECT high_watermark calloc leak_in_thread 2 140
 * EXPECT high_watermark malloc leak_in_key_destructor 1 66
 * EXPECT high_watermark realloc chain 1 400
 * EXPECT high_watermark malloc compare_and_leak 5 120
 * EXPECT high_watermark malloc plugin_leak 2 154
 * EXPECT high_watermark malloc leak_nothing 4 0
 * EXPECT high_watermark mmap leak_mapping 1 8192
 * EXPECT high_watermark malloc leak_cycle 2 64
 * EXPECT high_watermark posix_memalign leak_aligned 1 250
 * EXPECT high_watermark malloc inlined_site 6 300
 * EXPECT high_watermark malloc leak_at_exit 1 55
 * EXPECT high_watermark malloc leak_in_destructor 1 100000
 * EXPECT total high_watermark 31 109875
 * EXPECT via high_watermark malloc leak_by_strdup 1 6
 * EXPECT allocations realloc chain 4 750
 * EXPECT allocations malloc freed_pair 10 400
 * EXPECT temporary_allocations malloc freed_pair 10 400
 * EXPECT temporary_allocations realloc chain 3 350
 * EXPECT total temporary_allocations 13 750
 * EXPECT roots main before_main leak_in_thread leak_in_key_destructor leak_at_exit leak_in_destructor
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include "gate.h"

#define LEAK(size)              \
  do {                          \
    void *block = malloc(size); \
    escape(block);              \
  } while (0)

SITE __attribute__((constructor)) void before_main(void) {
  wait_for_gate();
  for (int i = 0; i < 3; i++) LEAK(11);
}

SITE void leak_in_main(void) {
  LEAK(101);
}

static pthread_key_t key;

SITE void leak_in_key_destructor(void *value) {
  (void)value;
  LEAK(66);
}

SITE void *leak_in_thread(void *argument) {
  for (int i = 0; i < 2; i++) {
    void *block = calloc(7, 10);
    escape(block);
  }
  pthread_setspecific(key, &key);
  return argument;
}

/* Not a constant: gcc makes a malloc of a realloc(NULL, size). */
static void *volatile nothing = NULL;

SITE void chain(void) {
  void *block = nothing;
  static const size_t sizes[] = {50, 100, 200, 400};
  for (int i = 0; i < 4; i++) {
    block = realloc(block, sizes[i]);
    escape(block);
  }
}

static int leaks_left = 5;

SITE int compare_and_leak(const void *one, const void *other) {
  if (leaks_left > 0) {
    leaks_left--;
    LEAK(24);
  }
  return *(const int *)one - *(const int *)other;
}

SITE void leak_in_callback(void) {
  int numbers[16];
  for (int i = 0; i < 16; i++) numbers[i] = i * 7 % 16;
  qsort(numbers, 16, sizeof numbers[0], compare_and_leak);
  escape(numbers);
}

SITE void leak_in_plugin(const char *program) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%.*s/libplugin.so", (int)(strrchr(program, '/') - program), program);
  void *plugin = dlopen(path, RTLD_NOW);
  if (plugin == NULL) _exit(90);
  void (*leak)(void) = (void (*)(void))(uintptr_t)dlsym(plugin, "plugin_leak");
  sleep_ms(300);
  leak();
}

SITE void leak_nothing(void) {
  for (int i = 0; i < 4; i++) LEAK(0);
}

SITE void leak_mapping(void) {
  void *block = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  escape(block);
}

SITE void leak_by_strdup(void) {
  char *copy = strdup("hello");
  escape(copy);
}

SITE void leak_cycle(void) {
  void **one = malloc(32);
  void **other = malloc(32);
  *one = other;
  *other = one;
  escape(one);
}

SITE void leak_aligned(void) {
  void *block = NULL;
  if (posix_memalign(&block, 256, 250) != 0) _exit(90);
  escape(block);
}

INLINED void inlined_site(void) {
  LEAK(50);
}

SITE void calls_inlined(void) {
  for (int i = 0; i < 6; i++) inlined_site();
}

SITE void freed_pair(void) {
  for (int i = 0; i < 10; i++) {
    void *block = malloc(40);
    escape(block);
    free(block);
  }
}

SITE void leak_at_exit(void) {
  LEAK(55);
}

SITE __attribute__((destructor)) void leak_in_destructor(void) {
  LEAK(100000);
}

int main(int argc, char **argv) {
  (void)argc;
  pthread_t thread;
  atexit(leak_at_exit);
  leak_in_main();
  pthread_key_create(&key, leak_in_key_destructor);
  pthread_create(&thread, NULL, leak_in_thread, NULL);
  pthread_join(thread, NULL);
  chain();
  leak_in_callback();
  leak_in_plugin(argv[0]);
  leak_nothing();
  leak_mapping();
  leak_by_strdup();
  leak_cycle();
  leak_aligned();
  calls_inlined();
  freed_pair();
  say("ok\n");
  return 0;
}
