/* Putting events into the ring. The consumer polls, so nothing here wakes it: a wake-up costs more than a probe. */
#ifndef MP_EMIT_BPF_H
#define MP_EMIT_BPF_H

#include "python_code.bpf.h"
#include "v8.bpf.h"

/* How many calls are missing, and thus how far sums are off, depends on what the event would have said. */
static __always_inline void count_dropped(u32 kind) {
  count(MP_COUNTER_RING_DROPPED);
  if (kind == MP_EVENT_ALLOCATE || kind == MP_EVENT_REMAP) count(MP_COUNTER_ALLOCATIONS_DROPPED);
  if (kind == MP_EVENT_FREE || kind == MP_EVENT_RELEASE || kind == MP_EVENT_UNMAP) count(MP_COUNTER_FREES_DROPPED);
}

/* FREE, RELEASE, COMMIT, CANCEL */
static __always_inline void emit_free(u32 kind, u32 allocator, u64 address) {
  struct mp_event_free *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
  if (!event) {
    count_dropped(kind);
    return;
  }
  fill_header(&event->event, kind, allocator);
  event->address = address;
  bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

/* Sends the frames of a finished walk unless they were sent before. Marks them as sent only afterwards: of two threads
 * with the same new stack both send it, and neither emits an event that refers to frames not yet in the ring. */
static __always_inline void emit_stack(struct unwinder *u, u32 stack_seed) {
  u64 hash = u->hash;
  if (bpf_map_lookup_elem(&seen_stacks, &hash)) return;
  if (u->event.python_count) send_codes(u, stack_seed);
  const u32 new_places = u->v8_count ? send_v8_places(u, stack_seed) : 0;
  if (u->code_dropped) return; /* the addon resolves frames when they come, once */
  u32 n = u->event.frame_count + u->event.python_count;
  if (n > MP_MAX_FRAMES) return;
  fill_header(&u->event.event, MP_EVENT_STACK, 0);
  u->event.event.flags = u->v8_count ? MP_FLAG_JAVASCRIPT : 0;
  u->event.event.stack_status = u->status;
  u->event.stack = hash;
  if (bpf_ringbuf_output(&ring, &u->event, sizeof(u->event) + n * 8, BPF_RB_NO_WAKEUP)) {
    count_dropped(MP_EVENT_STACK);
    return;
  }
  if (new_places) note_unread(u->slot);
  u8 one = 1;
  bpf_map_update_elem(&seen_stacks, &hash, &one, BPF_ANY);
}

/* Hashes what is not in a module's place, and the status. */
static __always_inline void finish_hash(struct unwinder *u, u32 stack_seed) {
  if (u->v8_count) hash_collections(u);
  u32 is_private = u->is_private || u->v8_count || u->event.python_count;
  if (is_private) hash_word(u, stack_seed * MP_HASH_FACTOR); /* no bit of it may cancel one of an address */
  u->hash = mp_finish_hash(u->hash, u->status, !is_private);
}

/* The hash of a finished walk; never 0, which means "no stack". */
static __always_inline u64 finish_stack(struct unwinder *u, u32 stack_seed) {
  finish_hash(u, stack_seed);
  emit_stack(u, stack_seed);
  return u->hash;
}

/* 0: stacks have the frames of interpreters only. */
const volatile __mp_u32 native_frames = 1;

/* Walks the stack of {pc, sp, bp} and sends it if it is new. Its hash, or 0 and in `status` why there is none. `skip`:
 * pc is inside the allocator itself. */
static __always_inline u64 send_stack(u32 slot, struct mp_process *process, u64 pc, u64 sp, u64 bp, u32 skip,
                                      u32 *status) {
  *status = MP_STACK_NO_MAPPING;
  if (process->flags & MP_PROCESS_STALE) return 0;
  struct unwinder *u = acquire_unwinder(slot, process, pc, sp, bp);
  if (!u) {
    count(MP_COUNTER_UNWINDER_BUSY);
    *status = MP_STACK_UNWINDER_BUSY;
    return 0;
  }
  u->skip_frame = skip;
  if (native_frames || process->flags & MP_PROCESS_JAVASCRIPT) /* whose frames lie among the native ones */
    unwind(u);
  else
    unwind_caller(u);
  *status = u->status;
  if (process->flags & MP_PROCESS_PYTHON) walk_python(u);
  u64 stack = finish_stack(u, process->stack_seed);
  release_unwinder(u);
  return stack;
}

struct allocation {
  u32 allocator;
  u32 flags;
  u64 address;
  u64 size_bytes;
};

static __always_inline void fill_allocate(struct mp_event_allocate *event, u32 kind, const struct allocation *a,
                                          u64 stack, u32 status) {
  fill_header(&event->event, kind, a->allocator);
  event->event.flags = a->flags;
  event->event.stack_status = status;
  event->address = a->address;
  event->size_bytes = a->size_bytes;
  event->stack = stack;
}

/* ALLOCATE, UNMAP */
static __always_inline void emit_allocate(u32 kind, const struct allocation *a, u64 stack, u32 status) {
  struct mp_event_allocate *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
  if (!event) {
    count_dropped(kind);
    return;
  }
  fill_allocate(event, kind, a, stack, status);
  bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

static __always_inline void emit_remap(const struct allocation *a, u64 old_address, u64 old_size_bytes, u64 stack,
                                       u32 status) {
  struct mp_event_remap *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
  if (!event) {
    count_dropped(MP_EVENT_REMAP);
    return;
  }
  fill_allocate(&event->to, MP_EVENT_REMAP, a, stack, status);
  event->old_address = old_address;
  event->old_size_bytes = old_size_bytes;
  bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

/* THREAD, EXEC, EXIT, THREAD_EXIT, MAPPINGS; to be submitted. NULL if the ring is full. */
static __always_inline struct mp_event_task *reserve_task(u32 kind, u32 code, const char *comm) {
  struct mp_event_task *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
  if (!event) {
    count_dropped(kind);
    return NULL;
  }
  fill_header(&event->event, kind, 0);
  event->code = code;
  event->pad = 0;
  if (comm)
    bpf_probe_read_kernel_str(event->comm, sizeof(event->comm), comm);
  else
    bpf_get_current_comm(event->comm, sizeof(event->comm));
  return event;
}

static __always_inline void emit_task(u32 kind, u32 code, const char *comm) {
  struct mp_event_task *event = reserve_task(kind, code, comm);
  if (event) bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

#endif
