/* What happens to traced processes: new modules, exec, exit, thread names. A process that was launched by the tracer is
 * held (SIGSTOP) until the probes and tables for what it newly maps are in place; the tracer sends SIGCONT. */
#ifndef MP_LIFECYCLE_BPF_H
#define MP_LIFECYCLE_BPF_H

#include "mmap.bpf.h"

static __always_inline struct mp_process *traced_process(u32 pid) {
  u32 *slot = bpf_map_lookup_elem(&process_slots, &pid);
  if (!slot) return NULL;
  struct mp_process *process = bpf_map_lookup_elem(&processes, slot);
  return process && process->pid == pid ? process : NULL;
}

/* Whether nothing runs when the process goes on. */
static __always_inline int ignores_continuation(struct task_struct *task) {
  return BPF_CORE_READ(task, sighand, action[SIGCONT - 1].sa.sa_handler) <= SIG_IGN;
}

/* Nobody can tell that a process was stopped and continued in the middle of one of its own calls, unless it handles
 * SIGCONT or another of its threads sleeps in a call that a stop interrupts (epoll_wait, nanosleep: EINTR). */
static __always_inline int is_hold_invisible(struct task_struct *task) {
  return BPF_CORE_READ(task, signal, nr_threads) == 1 && ignores_continuation(task);
}

/* Holds the current process if it is to be held. Returns the flags of the event. */
static __always_inline u32 hold(struct mp_process *process) {
  if (!(process->flags & MP_PROCESS_HOLD) || !is_hold_invisible(bpf_get_current_task_btf())) return 0;
  return bpf_send_signal(SIGSTOP) ? 0 : MP_FLAG_HELD;
}

/* MAPPINGS, EXEC. The event leads to the release of the process: without a place for it in the ring there is no hold.
 */
static __always_inline void emit_and_hold(struct mp_process *process, u32 kind, u32 code, const char *comm) {
  struct mp_event_task *event = reserve_task(kind, code, comm);
  if (!event) return;
  event->event.flags = hold(process);
  bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

/* At _dl_debug_state, which the dynamic linker calls for debuggers whenever its list of modules changes. */
SEC("uprobe")
int linker_state(struct pt_regs *ctx) {
  struct mp_process *process = traced_process(current_pid());
  if (process) emit_and_hold(process, MP_EVENT_MAPPINGS, 0, NULL);
  return 0;
}

/* Cookie 0: V8 has mapped its builtins a second time (CodeRange::RemapEmbeddedBuiltins, src/heap/code-range.cc). Else
 * the heap of a V8 ends, or the program: the addon has to read the names of the last functions before. The calls of
 * other threads that a stop interrupts are libuv's, which makes them again. */
SEC("uprobe")
int v8_life(struct pt_regs *ctx) {
  struct mp_process *process = traced_process(current_pid());
  if (!process || !(process->flags & MP_PROCESS_V8)) return 0;
  if (!bpf_get_attach_cookie(ctx)) {
    u32 *slot, pid = process->pid;
    slot = bpf_map_lookup_elem(&process_slots, &pid);
    struct mp_v8 *v8 = slot ? bpf_map_lookup_elem(&v8s, slot) : NULL;
    if (!v8 || __sync_lock_test_and_set(&v8->is_mapped, 1)) return 0;
  }
  struct mp_event_task *event = reserve_task(MP_EVENT_MAPPINGS, 0, NULL);
  if (!event) return 0;
  const int holds = process->flags & MP_PROCESS_HOLD && ignores_continuation(bpf_get_current_task_btf());
  event->event.flags = holds && !bpf_send_signal(SIGSTOP) ? MP_FLAG_HELD : 0;
  bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
  return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_tid) {
  struct mp_process *process = traced_process(task->tgid);
  if (!process) return 0;
  process->flags |= MP_PROCESS_STALE;
  struct thread_state *t = peek_thread();
  if (t) {
    t->depth = 0;
    t->announced = 0;
  }
  emit_and_hold(process, MP_EVENT_EXEC, old_tid, task->comm);
  return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task) {
  if (!traced_process(task->tgid)) return 0;
  struct signal_struct *signal = task->signal;
  if (signal->live.counter != 0) {
    emit_task(MP_EVENT_THREAD_EXIT, 0, NULL);
    return 0;
  }
  u32 code = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : task->exit_code;
  emit_task(MP_EVENT_EXIT, code, NULL);
  return 0;
}

SEC("tp_btf/task_rename")
int BPF_PROG(thread_rename, struct task_struct *task, const char *comm) {
  struct task_struct *current = bpf_get_current_task_btf();
  if (task->pid == current->pid && traced_process(task->tgid)) emit_task(MP_EVENT_THREAD, 0, comm);
  return 0;
}

#endif
