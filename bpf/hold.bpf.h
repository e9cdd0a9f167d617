/* Holding a process for a moment (SIGSTOP) while the tracer puts the probes and tables for what it newly maps in place.
 * The tracer sends SIGCONT. Who is held stands in a map until then, so that nobody stays stopped whatever becomes of
 * the event that says so, or of the tracer. */
#ifndef MP_HOLD_BPF_H
#define MP_HOLD_BPF_H

#include "mmap.bpf.h"

/* pid -> 1 */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, MP_MAX_PROCESSES);
  __type(key, u32);
  __type(value, u8);
} held SEC(".maps");

/* Not 0: the recording is over, or the tracer is gone (addon/guard.cc): nobody would let go who is held now. */
__mp_u64 recording_ended SEC(".data.ended") = 0;

/* Half of the ring. A tracer that is so far behind would let go of nobody for a while, and events are being lost. */
const volatile __mp_u64 lag_bytes = 0;

/* Threads that wait for room keep the tracer from falling behind, see pressure.bpf.h. */
static __always_inline int may_hold(void) {
  if (recording_ended) return 0;
  return ring_mark_bytes || bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < lag_bytes;
}

/* Kernel 6.13: the only way to stop a child before its first instruction. */
enum pid_type { PIDTYPE_PID, PIDTYPE_TGID };
extern int bpf_send_signal_task(struct task_struct *task, int sig, enum pid_type type, u64 value) __weak __ksym;

/* A macro, because a relocated index must be a constant in the source. */
#define SIGNAL_HANDLER(task, number) BPF_CORE_READ(task, sighand, action[(number)-1].sa.sa_handler)

/* Whether nothing runs when the process goes on. */
static __always_inline int ignores_continuation(struct task_struct *task) {
  return SIGNAL_HANDLER(task, SIGCONT) <= SIG_IGN;
}

/* A shell with job control asks to be told of stops, and takes a program that is stopped to the background. An
 * interactive one is known by the terminal's stop signals, which it ignores; its children do so until they call exec.
 * Of others (set -m) bash has a variable. */
static __always_inline int ignores_terminal_stops(struct task_struct *task) {
  return SIGNAL_HANDLER(task, SIGTSTP) == SIG_IGN && SIGNAL_HANDLER(task, SIGTTIN) == SIG_IGN &&
         SIGNAL_HANDLER(task, SIGTTOU) == SIG_IGN;
}

/* Of the current process. */
static __always_inline int has_job_control(const struct mp_process *process) {
  int enabled = 0;
  if (process && process->job_control) bpf_probe_read_user(&enabled, sizeof(enabled), (void *)process->job_control);
  return enabled || ignores_terminal_stops(bpf_get_current_task_btf());
}

/* A job has a process group of its own in the session of its shell. */
static __always_inline int is_under_job_control(struct task_struct *task) {
  struct task_struct *parent = BPF_CORE_READ(task, real_parent);
  if (ignores_terminal_stops(parent)) return 1;
  return BPF_CORE_READ(task, signal, pids[PIDTYPE_PGID]) != BPF_CORE_READ(parent, signal, pids[PIDTYPE_PGID]) &&
         BPF_CORE_READ(task, signal, pids[PIDTYPE_SID]) == BPF_CORE_READ(parent, signal, pids[PIDTYPE_SID]);
}

/* Nobody can tell that a process was stopped and continued in the middle of one of its own calls, unless it handles
 * SIGCONT or another of its threads sleeps in a call that a stop interrupts (epoll_wait, nanosleep: EINTR). */
static __always_inline int is_hold_invisible(struct task_struct *task) {
  return BPF_CORE_READ(task, signal, nr_threads) == 1 && ignores_continuation(task) && !is_under_job_control(task);
}

/* pid of a parent -> when a child of it was held last */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, MP_MAX_PROCESSES);
  __type(key, u32);
  __type(value, u64);
} parents_of_held SEC(".maps");

#define PARENT_NOTICES_NS 1000000000ULL /* so long after that it may come to stop itself */

static __always_inline int remember_held(u32 pid, u32 parent) {
  u8 one = 1;
  u64 now = bpf_ktime_get_ns();
  bpf_map_update_elem(&parents_of_held, &parent, &now, BPF_ANY);
  return !bpf_map_update_elem(&held, &pid, &one, BPF_ANY);
}

static __always_inline int had_held_child(u32 pid) {
  u64 *when = bpf_map_lookup_elem(&parents_of_held, &pid);
  return when && bpf_ktime_get_ns() - *when < PARENT_NOTICES_NS;
}

/* Stops the current process until the tracer lets it go. Returns the flags of the event that tells the tracer. */
static __always_inline u32 hold_current(void) {
  u32 pid = current_pid();
  if (!may_hold()) return 0;
  if (!remember_held(pid, BPF_CORE_READ(bpf_get_current_task_btf(), real_parent, tgid))) return 0;
  if (!bpf_send_signal(SIGSTOP)) return MP_FLAG_HELD;
  bpf_map_delete_elem(&held, &pid);
  return 0;
}

/* Stops a child of the current process that has not run yet. `child`: trusted by the verifier. */
static __always_inline u32 hold_child(const struct mp_process *process, struct task_struct *child) {
  u32 pid = child->tgid;
  if (!may_hold() || has_job_control(process)) return 0;
  if (!bpf_send_signal_task || !ignores_continuation(child) || !remember_held(pid, current_pid())) return 0;
  if (!bpf_send_signal_task(child, SIGSTOP, PIDTYPE_TGID, 0)) return MP_FLAG_HELD;
  bpf_map_delete_elem(&held, &pid);
  return 0;
}

#endif
