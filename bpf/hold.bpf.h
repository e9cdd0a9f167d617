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

/* Kernel 6.13: the only way to stop a child before its first instruction. */
enum pid_type { PIDTYPE_PID, PIDTYPE_TGID };
extern int bpf_send_signal_task(struct task_struct *task, int sig, enum pid_type type, u64 value) __weak __ksym;

/* A macro, because a relocated index must be a constant in the source. */
#define SIGNAL_HANDLER(task, number) BPF_CORE_READ(task, sighand, action[(number)-1].sa.sa_handler)

/* Whether nothing runs when the process goes on. */
static __always_inline int ignores_continuation(struct task_struct *task) {
  return SIGNAL_HANDLER(task, SIGCONT) <= SIG_IGN;
}

/* A shell with job control asks to be told of stops, and takes the program that it waits for to the background. It is
 * known by the terminal's stop signal, which every such shell ignores and its children do not. */
static __always_inline int is_under_job_control(struct task_struct *task) {
  struct task_struct *parent = BPF_CORE_READ(task, real_parent);
  return SIGNAL_HANDLER(parent, SIGTSTP) == SIG_IGN && SIGNAL_HANDLER(task, SIGTSTP) != SIG_IGN;
}

/* Nobody can tell that a process was stopped and continued in the middle of one of its own calls, unless it handles
 * SIGCONT or another of its threads sleeps in a call that a stop interrupts (epoll_wait, nanosleep: EINTR). */
static __always_inline int is_hold_invisible(struct task_struct *task) {
  return BPF_CORE_READ(task, signal, nr_threads) == 1 && ignores_continuation(task) && !is_under_job_control(task);
}

static __always_inline int remember_held(u32 pid) {
  u8 one = 1;
  return !bpf_map_update_elem(&held, &pid, &one, BPF_ANY);
}

/* Stops the current process until the tracer lets it go. Returns the flags of the event that tells the tracer. */
static __always_inline u32 hold_current(void) {
  u32 pid = current_pid();
  if (!remember_held(pid)) return 0;
  if (!bpf_send_signal(SIGSTOP)) return MP_FLAG_HELD;
  bpf_map_delete_elem(&held, &pid);
  return 0;
}

/* Stops a child that has not run yet. `child`: trusted by the verifier. */
static __always_inline u32 hold_child(struct task_struct *child) {
  u32 pid = child->tgid;
  if (!bpf_send_signal_task || !ignores_continuation(child) || !remember_held(pid)) return 0;
  if (!bpf_send_signal_task(child, SIGSTOP, PIDTYPE_TGID, 0)) return MP_FLAG_HELD;
  bpf_map_delete_elem(&held, &pid);
  return 0;
}

#endif
