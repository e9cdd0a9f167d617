/*
 * Back-pressure, --lossless: while the ring is fuller than its mark, a thread that has put an event into it waits in
 * the probe until the consumer has made room. It only seems slow to itself and to others: nothing is stopped, no signal
 * is sent, no call of another thread is interrupted. (SIGSTOP would always stop the whole process, also if it is sent
 * to one thread, is seen by a parent that waits with WUNTRACED, and ends epoll_wait and nanosleep of other threads with
 * EINTR.)
 *
 *     ring  |######################|·······································|
 *           0                      mark                                    size
 *                                  every thread waits here, after each event: no more than one call's events per thread
 *                                  and wait get past the mark
 *
 * A wait ends when there is room again, when somebody else needs the CPU (the consumer above all) or a signal came, and
 * after MAX_WAIT_NS in any case. So a consumer that is stuck for seconds makes the target slow, not dead, and events
 * are lost only if that goes on until the rest of the ring is full.
 *
 * A thread waits after its event, never before: what it reports keeps its place in the global order.
 */
#ifndef MP_PRESSURE_BPF_H
#define MP_PRESSURE_BPF_H

#include "emit.bpf.h"

/* Bytes in the ring from which on threads wait; 0: never. (The type is one that the skeleton can name.) */
__mp_u64 ring_mark_bytes SEC(".data.pressure") = 0;

#define MAX_WAIT_NS 10000000UL /* of one wait, on kernels that don't preempt it */
#define MAX_LOOKS (1 << 20)    /* more than fit into that time; bpf_loop takes up to 1 << 23 */

struct wait {
  struct task_struct *task;
  unsigned long flags; /* of the thread when it began to wait */
  u64 room_bytes;      /* the wait ends when no more are in the ring */
  u64 end_ns;
};

static long is_over(u32 look, void *context) {
  struct wait *wait = context;
  u64 now = bpf_ktime_get_ns();
  /* A flag that appears says that the thread is to leave the kernel. Which bits mean that differs between kernels. */
  if (wait->task->thread_info.flags & ~wait->flags) return 1;
  if (now > wait->end_ns) return 1;
  /* Not on every turn: what is read here is written by the consumer, whom that slows down. */
  return look % 8 == 7 && bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) <= wait->room_bytes;
}

/* A record that says nothing: it exists for the wake-up. */
static __always_inline void wake_consumer(void) {
  void *nothing = bpf_ringbuf_reserve(&ring, 8, 0);
  if (nothing) bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
}

static __noinline int wait_until_drained(u64 mark_bytes) {
  wake_consumer();
  struct wait wait = {.task = bpf_get_current_task_btf()};
  wait.flags = wait.task->thread_info.flags;
  wait.room_bytes = mark_bytes - mark_bytes / 4; /* a little way, so that threads don't wait for every single event */
  wait.end_ns = bpf_ktime_get_ns() + MAX_WAIT_NS;
  bpf_loop(MAX_LOOKS, is_over, &wait, 0);
  return 0;
}

#define MAX_READ_WAIT_NS 2000000UL /* where a slow target would be worse than a missing name */

struct read_wait {
  u64 position;
  u64 end_ns;
};

static long is_read(u32 look, void *context) {
  struct read_wait *wait = context;
  return bpf_ringbuf_query(&ring, BPF_RB_CONS_POS) >= wait->position || bpf_ktime_get_ns() > wait->end_ns;
}

/* Waits until the consumer has read the ring up to `position`, also while others need the CPU: what comes next would
 * spoil what it is to read in the memory of the process. */
static __noinline int wait_until_read(u64 position) {
  if (bpf_ringbuf_query(&ring, BPF_RB_CONS_POS) >= position) return 0;
  wake_consumer();
  struct read_wait wait = {position, bpf_ktime_get_ns() + (ring_mark_bytes ? MAX_WAIT_NS : MAX_READ_WAIT_NS)};
  bpf_loop(MAX_LOOKS, is_read, &wait, 0);
  return 0;
}

/* At the end of probes that have put events into the ring. */
static __always_inline void wait_for_room(void) {
  u64 mark_bytes = ring_mark_bytes;
  if (mark_bytes && bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > mark_bytes) wait_until_drained(mark_bytes);
}

#endif
