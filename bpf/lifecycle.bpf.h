/* What happens to traced processes: children, new modules, exec, exit, thread names. A process that was launched by the
 * tracer, or that is the child of one that is followed, is held until the probes and tables for what it newly maps are
 * in place. */
#ifndef MP_LIFECYCLE_BPF_H
#define MP_LIFECYCLE_BPF_H

#include "select.bpf.h"
#include "v8_sample.bpf.h"

/* NULL for a child whose FORK event the tracer has not seen yet; see is_known(). */
static __always_inline struct mp_process *traced_process(u32 pid) {
  u32 *slot = bpf_map_lookup_elem(&process_slots, &pid);
  if (!slot) return NULL;
  struct mp_process *process = bpf_map_lookup_elem(&processes, slot);
  return process && process->pid == pid ? process : NULL;
}

static __always_inline int is_known(u32 pid) {
  return bpf_map_lookup_elem(&process_slots, &pid) != NULL;
}

/* Holds the current process if it is to be held. Returns the flags of the event, which leads to its release: without a
 * place for that in the ring nobody may be held. A child without a slot yet is one of a process that is followed. */
static __always_inline u32 hold(struct mp_process *process) {
  if (process && !(process->flags & MP_PROCESS_HOLD)) return 0;
  return is_hold_invisible(bpf_get_current_task_btf()) ? hold_current() : 0;
}

/* At _dl_debug_state, which the dynamic linker calls for debuggers whenever its list of modules changes. */
SEC("uprobe")
int linker_state(struct pt_regs *ctx) {
  struct mp_process *process = traced_process(current_pid());
  struct mp_event_task *event = process ? reserve_task(MP_EVENT_MAPPINGS, 0, NULL) : NULL;
  if (!event) return 0;
  event->event.flags = hold(process);
  bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
  return 0;
}

/* Cookie 0: V8 has mapped its builtins a second time, as it may for every worker (CodeRange::RemapEmbeddedBuiltins,
 * src/heap/code-range.cc). Else the heap of a V8 ends, or the program: the addon has to read the names of the last
 * functions before. The calls of other threads that a stop interrupts are libuv's, which makes them again. */
SEC("uprobe")
int v8_life(struct pt_regs *ctx) {
  struct mp_process *process = traced_process(current_pid());
  if (!process || !(process->flags & MP_PROCESS_V8)) return 0;
  const u32 ends = bpf_get_attach_cookie(ctx) != 0;
  u32 *slot, pid = process->pid;
  slot = bpf_map_lookup_elem(&process_slots, &pid);
  struct mp_v8 *v8 = slot ? bpf_map_lookup_elem(&v8s, slot) : NULL;
  if (!v8) return 0;
  struct mp_event_task *event = reserve_task(MP_EVENT_MAPPINGS, ends, NULL);
  if (!event) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  const int holds = process->flags & MP_PROCESS_HOLD && ignores_continuation(task) && !is_under_job_control(task);
  event->event.flags = holds ? hold_current() : 0;
  bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
  if (!holds) wait_until_read(ends ? v8->unread : bpf_ringbuf_query(&ring, BPF_RB_PROD_POS));
  return 0;
}

/* In the parent, before the child runs. The child is known from now on, so that its exec and its exit are seen whenever
 * the tracer comes to give it a slot. A child that shares the memory of its parent (vfork, posix_spawn) only calls exec
 * and needs nothing before that. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child) {
  u32 pid = child->tgid, no_slot = MP_NO_SLOT;
  if (pid == parent->tgid || recording_ended) return 0; /* a thread */
  struct mp_process *process = traced_process(parent->tgid);
  if (process ? !(process->flags & MP_PROCESS_FOLLOW) : !is_known(parent->tgid)) return 0;
  struct mp_event_task *event = reserve_task(MP_EVENT_FORK, pid, NULL);
  if (!event) {
    count(MP_COUNTER_CHILD_LOST);
    return 0;
  }
  bpf_map_update_elem(&process_slots, &pid, &no_slot, BPF_ANY);
  if (child->mm == parent->mm)
    event->event.flags = MP_FLAG_SHARES_MEMORY;
  else
    event->event.flags = hold_child(process, child);
  bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
  return 0;
}

/* A selected program is known from now on, as a child is. */
static __always_inline int begin_tracing(u32 pid) {
  u32 no_slot = MP_NO_SLOT;
  if (recording_ended) return 0;
  if (!bpf_map_update_elem(&process_slots, &pid, &no_slot, BPF_ANY)) return 1;
  count(MP_COUNTER_CHILD_LOST);
  return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_tid) {
  struct mp_process *process = traced_process(task->tgid);
  const int selected = is_selected(task);
  if (!process && !is_known(task->tgid) && !(selected && begin_tracing(task->tgid))) return 0;
  if (process) process->flags |= MP_PROCESS_STALE;
  struct thread_state *t = peek_thread();
  if (t) {
    t->depth = 0;
    t->announced = 0;
    t->v8_bytes = 0;
    t->collects_v8 = 0;
  }
  struct mp_event_task *event = reserve_task(MP_EVENT_EXEC, old_tid, task->comm);
  if (!event) return 0;
  if (selection.kind != MP_SELECT_NONE && !selected)
    event->event.flags = MP_FLAG_NOT_SELECTED;
  else
    event->event.flags = hold(selected ? NULL : process);
  bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
  return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task) {
  u32 pid = task->tgid;
  if (!is_known(pid)) return 0;
  struct signal_struct *signal = task->signal;
  if (signal->live.counter != 0) {
    emit_task(MP_EVENT_THREAD_EXIT, 0, NULL);
    return 0;
  }
  bpf_map_delete_elem(&held, &pid);
  u32 code = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : task->exit_code;
  struct mp_event_task *event = reserve_task(MP_EVENT_EXIT, code, NULL);
  if (!event) return 0;
  event->event.flags = signal->oom_mm ? MP_FLAG_OUT_OF_MEMORY : 0;
  bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
  return 0;
}

/* Programs like su stop themselves when they are told that their child has stopped. If it was for us, they go on. Where
 * the kernel itself or we sent the signal, `info` is no address. */
SEC("tp_btf/signal_generate")
int BPF_PROG(self_stop, int number, void *info, struct task_struct *task) {
  u32 pid = current_pid();
  if (number != SIGSTOP || task->tgid != pid || (u64)info < 4096) return 0;
  if (recording_ended || !traced_process(pid) || !had_held_child(pid)) return 0;
  struct mp_event_task *event = reserve_task(MP_EVENT_SELF_STOP, 0, NULL);
  if (!event) return 0;
  event->event.flags = MP_FLAG_HELD;
  bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
  return 0;
}

SEC("tp_btf/task_rename")
int BPF_PROG(thread_rename, struct task_struct *task, const char *comm) {
  struct task_struct *current = bpf_get_current_task_btf();
  if (task->pid == current->pid && traced_process(task->tgid)) emit_task(MP_EVENT_THREAD, 0, comm);
  return 0;
}

#endif
