/*
 * The program whose time is measured. It obeys one command per line on standard input and answers with one line:
 *
 *   pairs FRAMES COUNT      COUNT malloc(64)/free pairs at a depth of FRAMES frames, main and below included
 *   threads THREADS COUNT   the same in THREADS threads at once, at their own short stacks, each on a cpu of its own
 *   hold COUNT              allocates COUNT blocks of 64 bytes and keeps them
 *   drop                    frees what is held
 *
 * The answer is the CPU time in nanoseconds that the thread (of several: the slowest) has used for it. The main thread
 * runs on cpu 0. It ends at the end of input.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* _start, __libc_start_main, __libc_start_call_main, main, answer, the innermost loop: frames besides descend(). */
enum { OTHER_FRAMES = 6, MAX_THREADS = 16, MAX_HELD = 16 << 20 };

static void *held[MAX_HELD];
static long held_count;
static pthread_barrier_t all_ready;

static long cpu_time_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

__attribute__((noipa)) static long pairs(long count) {
  long start_ns = cpu_time_ns();
  for (long i = 0; i < count; i++) {
    void *block = malloc(64);
    __asm__ volatile("" : : "r"(block) : "memory");
    free(block);
  }
  return cpu_time_ns() - start_ns;
}

__attribute__((noipa)) static long descend(long frames, long count) {
  long spent_ns = frames > 1 ? descend(frames - 1, count) : pairs(count);
  __asm__ volatile("" : : : "memory");
  return spent_ns;
}

struct job {
  int cpu;
  long count, spent_ns;
};

static void *run_job(void *argument) {
  struct job *job = argument;
  pin(job->cpu);
  pthread_barrier_wait(&all_ready);
  job->spent_ns = pairs(job->count);
  return NULL;
}

static long run_threads(long threads, long count) {
  pthread_t ids[MAX_THREADS];
  struct job jobs[MAX_THREADS];
  long cpus = sysconf(_SC_NPROCESSORS_ONLN), slowest_ns = 0;
  if (threads < 1 || threads > MAX_THREADS) exit(2);
  pthread_barrier_init(&all_ready, NULL, (unsigned)threads);
  for (long i = 0; i < threads; i++) {
    jobs[i] = (struct job){.cpu = (int)(i % cpus), .count = count};
    pthread_create(&ids[i], NULL, run_job, &jobs[i]);
  }
  for (long i = 0; i < threads; i++) {
    pthread_join(ids[i], NULL);
    if (jobs[i].spent_ns > slowest_ns) slowest_ns = jobs[i].spent_ns;
  }
  return slowest_ns;
}

static long hold(long count) {
  long start_ns = cpu_time_ns();
  while (count-- > 0 && held_count < MAX_HELD) held[held_count++] = malloc(64);
  return cpu_time_ns() - start_ns;
}

static long drop(void) {
  long start_ns = cpu_time_ns();
  while (held_count > 0) free(held[--held_count]);
  return cpu_time_ns() - start_ns;
}

__attribute__((noipa)) static long answer(const char *line) {
  long first = 0, second = 0, spent_ns = -1;
  if (sscanf(line, "pairs %ld %ld", &first, &second) == 2) {
    spent_ns = descend(first - OTHER_FRAMES, second);
  } else if (sscanf(line, "threads %ld %ld", &first, &second) == 2) {
    spent_ns = run_threads(first, second);
  } else if (sscanf(line, "hold %ld", &first) == 1) {
    spent_ns = hold(first);
  } else if (strncmp(line, "drop", 4) == 0) {
    spent_ns = drop();
  }
  __asm__ volatile("" : : : "memory");
  return spent_ns;
}

int main(void) {
  char line[128], reply[32];
  pin(0);
  for (;;) {
    ssize_t length = read(0, line, sizeof line - 1);
    if (length <= 0) return 0;
    line[length] = '\0';
    int size = snprintf(reply, sizeof reply, "%ld\n", answer(line));
    if (write(1, reply, (size_t)size) != size) return 1;
  }
}
