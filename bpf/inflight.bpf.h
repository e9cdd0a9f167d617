/*
 * Calls in flight: what a thread was called with, kept from the entry of an allocator to its return.
 *
 * Each thread has a small stack of them, because calls nest: reallocarray calls realloc, malloc of a large block calls
 * mmap, a signal handler that interrupts malloc may call malloc. A call is identified by the stack slot of its return
 * address: at its return rsp is one word above that slot.
 *
 *     calls[0]  reallocarray  return_slot 0x7ffd10f8   <- outermost: this one is reported
 *               realloc       return_slot 0x7ffd10c8   nested in it: not recorded at all
 *
 * An outer call that is not on the stack any more was left by longjmp or an exception; the walk of the stack tells, and
 * it is forgotten. One that is, but below a signal frame, was interrupted: the handler's call is one of its own.
 */
#ifndef MP_INFLIGHT_BPF_H
#define MP_INFLIGHT_BPF_H

#include "pressure.bpf.h"

struct call {
  u64 return_slot;
  u64 size_bytes;
  u64 pointer;        /* realloc, munmap, mremap: the old block; posix_memalign: where the new address is stored */
  u64 old_size_bytes; /* mremap */
  u32 cookie;
  u32 flags; /* mmap, mremap */
};

struct thread_state {
  u32 slot; /* of its process */
  u32 depth;
  u32 announced;      /* 1: a THREAD event was sent */
  u32 collects_v8;    /* 1: it was seen to begin a collection */
  u64 v8_bytes;       /* allocated in V8's heap since the last sample */
  u64 v8_large_bytes; /* of a large object that was counted, and may be told of once more */
  struct call calls[MP_MAX_INFLIGHT];
};

struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct thread_state);
} threads SEC(".maps");

static __always_inline u32 current_pid(void) {
  return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline struct thread_state *peek_thread(void) {
  return bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, 0);
}

/* The process of a thread, or NULL if it is not traced (a vfork child shares its parent's probes). */
static __always_inline struct mp_process *thread_process(struct thread_state *t) {
  u32 slot = t->slot, pid = current_pid();
  struct mp_process *process = bpf_map_lookup_elem(&processes, &slot);
  if (process && process->pid == pid) return process;
  u32 *found = bpf_map_lookup_elem(&process_slots, &pid);
  if (!found) return NULL;
  slot = *found;
  t->slot = slot;
  process = bpf_map_lookup_elem(&processes, &slot);
  return process && process->pid == pid ? process : NULL;
}

/* Probes that serve every process are hit by processes that are not traced, too: the tracer itself, for one. */
static __always_inline int is_stranger(void) {
  u32 pid = current_pid();
  return selection.kind == MP_SELECT_ALL && !bpf_map_lookup_elem(&process_slots, &pid);
}

static __always_inline struct thread_state *get_thread(void) {
  struct thread_state *t = peek_thread();
  if (!t) {
    if (is_stranger()) return NULL;
    t = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
    if (!t) count(MP_COUNTER_THREAD_STATE);
  }
  if (t && !t->announced && thread_process(t)) {
    t->announced = 1;
    emit_task(MP_EVENT_THREAD, 0, NULL);
  }
  return t;
}

enum nesting { NOT_NESTED, NESTED, LEFT };

/* How the code at {pc, sp, bp} relates to the innermost call in flight. `skip`: pc is inside the allocator itself. */
static __noinline int innermost_nesting(struct thread_state *t, u64 pc, u64 sp, u64 bp, u32 skip) {
  struct mp_process *process = thread_process(t);
  if (!process) return LEFT;
  struct call *outer = &t->calls[(t->depth - 1) & (MP_MAX_INFLIGHT - 1)];
  struct unwinder *u = acquire_unwinder(t->slot, process, pc, sp, bp);
  if (!u) return outer->return_slot >= sp ? NESTED : LEFT;
  u->watched_return_slot = outer->return_slot;
  u->skip_frame = skip;
  unwind(u);
  int nesting;
  if (u->watched_found)
    nesting = u->crossed_signal ? NOT_NESTED : NESTED;
  else if (u->status == MP_STACK_COMPLETE || u->status == MP_STACK_TRUNCATED)
    nesting = LEFT;
  else
    nesting = outer->return_slot >= sp ? NESTED : LEFT; /* the walk broke off: addresses are the next best witness */
  release_unwinder(u);
  return nesting;
}

struct nesting_query {
  struct thread_state *t;
  u64 pc;
  u64 sp;
  u64 bp;
  u32 skip;
  int nested;
};

static long check_innermost(u32 index, void *context) {
  struct nesting_query *query = context;
  struct thread_state *t = query->t;
  if (!t->depth) return 1;
  int nesting = innermost_nesting(t, query->pc, query->sp, query->bp, query->skip);
  if (nesting == LEFT) {
    t->depth--;
    return 0;
  }
  query->nested = nesting == NESTED;
  return 1;
}

/* Whether the code at {pc, sp, bp} runs inside a recorded call; forgets calls that were left. */
static __always_inline int is_nested(struct thread_state *t, u64 pc, u64 sp, u64 bp, u32 skip) {
  struct nesting_query query = {.t = t, .pc = pc, .sp = sp, .bp = bp, .skip = skip};
  bpf_loop(MP_MAX_INFLIGHT, check_innermost, &query, 0); /* a callback is verified once, a loop body per turn */
  return query.nested;
}

/* Records a call. NULL if there are too many. */
static __always_inline struct call *push_call(struct thread_state *t, const struct call *arguments) {
  u32 depth = t->depth;
  if (depth >= MP_MAX_INFLIGHT) {
    count(MP_COUNTER_INFLIGHT_OVERFLOW);
    return NULL;
  }
  struct call *call = &t->calls[depth & (MP_MAX_INFLIGHT - 1)];
  *call = *arguments;
  t->depth = depth + 1;
  return call;
}

/* The recorded call that returns now, taken off together with calls above it that were left; NULL if it was not
 * recorded. */
static __always_inline struct call *pop_call(struct thread_state *t, u32 cookie, u64 return_slot) {
  for (int i = 0; i < MP_MAX_INFLIGHT; i++) {
    u32 depth = t->depth - 1 - i;
    if (depth >= MP_MAX_INFLIGHT) return NULL;
    struct call *call = &t->calls[depth & (MP_MAX_INFLIGHT - 1)];
    if (call->return_slot == return_slot && call->cookie == cookie) {
      t->depth = depth;
      return call;
    }
  }
  return NULL;
}

#endif
