/*
 * Memory of every kind, all of it touched, so that it is resident: of each a size that no other kind has. Says "ready",
 * and waits until the gate is gone; without a gate it ends at once.
 *
 *   kind        MiB
 *   brk          10   small blocks of malloc
 *   anonymous    60   a large block of malloc (20) and a mapping (40)
 *   jit_code      5   executable memory that is no file's; 3 of it
 *   stack         2   of a second thread, in one of 4
 *   shared       15   MAP_SHARED
 *   file         25   a file of that size, mapped
 *   untouched   500   reserved: mapped with PROT_NONE
 */
#define _GNU_SOURCE
#include "gate.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#define MIB (1ul << 20)

static volatile int is_deep;

static void touch(char *memory, size_t bytes) {
  for (size_t at = 0; at < bytes; at += 4096) memory[at] = 1;
}

static char *map(size_t bytes, int protection, int flags, int file) {
  char *memory = mmap(NULL, bytes, protection, flags, file, 0);
  if (memory == MAP_FAILED) _exit(98);
  return memory;
}

/* Sleeps for most of the time: only then the stack pointers are known. */
static void wait_until_gate_is_gone(void) {
  const char *gate = getenv("MP_GATE");
  while (gate != NULL && access(gate, F_OK) == 0) sleep_ms(20);
}

SITE void *sleep_deep(void *unused) {
  char local[2 * MIB];
  touch(local, sizeof(local));
  escape(local);
  is_deep = 1;
  wait_until_gate_is_gone();
  return unused;
}

SITE void allocate(void) {
  for (size_t bytes = 0; bytes < 10 * MIB; bytes += 8192) {
    char *block = malloc(8192 - 16);
    touch(block, 8192 - 16);
    escape(block);
  }
  touch(malloc(20 * MIB), 20 * MIB);
  const int both = PROT_READ | PROT_WRITE;
  touch(map(40 * MIB, both, MAP_PRIVATE | MAP_ANONYMOUS, -1), 40 * MIB);
  touch(map(5 * MIB, both | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1), 3 * MIB);
  touch(map(15 * MIB, both, MAP_SHARED | MAP_ANONYMOUS, -1), 15 * MIB);
  map(500 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

SITE void map_file(void) {
  char name[] = "/tmp/mp-resident-XXXXXX";
  const int file = mkstemp(name);
  if (file < 0 || unlink(name) != 0 || ftruncate(file, 25 * MIB) != 0) _exit(98);
  touch(map(25 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE, file), 25 * MIB);
  close(file);
}

int main(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  wait_for_gate();
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 4 * MIB);
  if (pthread_create(&thread, &attributes, sleep_deep, NULL) != 0) _exit(98);
  while (!is_deep) sleep_ms(1);
  allocate();
  map_file();
  say("ready {}\n");
  wait_until_gate_is_gone();
  pthread_join(thread, NULL);
  return 0;
}
