/*
 * Samples of what JavaScript allocates in V8's heap.
 *
 * V8 allocates an object by moving a pointer in a buffer of at most a page (256 KiB), without a call. But it counts the
 * bytes, for its own heap profiler: whenever a buffer is used up or given up, and for every large object, it tells
 * AllocationCounter::AdvanceAllocationObservers how many have been allocated. That is where the probe is.
 *
 *     buffer used up    196,536 bytes   >= MP_V8_SAMPLE_BYTES: a sample of 196,536 with this stack
 *     buffer given up     1,200 bytes   kept
 *     large object    2,000,016 bytes   a sample of 2,001,216 with this stack
 *
 * So the sizes add up to what the thread has allocated, but for a rest that is smaller than MP_V8_SAMPLE_BYTES. How
 * they are distributed over stacks is an estimate: each sample is attributed as a whole to the code that made the last
 * object. Blocks are not told apart: nothing is known of how long they live. What the collector copies, and what V8
 * allocates on helper threads (compiling), is not counted.
 */
#ifndef MP_V8_SAMPLE_BPF_H
#define MP_V8_SAMPLE_BPF_H

#include "mmap.bpf.h"

/* Objects of V8 move now: JavaScript frames could not be read. */
static __always_inline int is_collecting(u32 slot) {
  struct mp_v8 *v8 = bpf_map_lookup_elem(&v8s, &slot);
  return !v8 || v8->begun != v8->ended;
}

/* The bytes that a call tells of. V8 10.2 tells its counter also of what the collector allocates, which `paused` says,
 * and of large objects only sometimes: then these are counted where they are made, and not once more. */
static __always_inline u64 counted_bytes(struct pt_regs *ctx, struct thread_state *t) {
  u64 first = ctx->di, second = ctx->si, third = ctx->dx, cookie = bpf_get_attach_cookie(ctx);
  if (!cookie) return second;
  if (cookie == MP_V8_LARGE_OBJECT) return t->v8_large_bytes = third;
  u64 large_bytes = t->v8_large_bytes;
  t->v8_large_bytes = 0;
  u32 paused = 0;
  if (second == large_bytes || bpf_probe_read_user(&paused, sizeof(paused), (void *)(first + cookie))) return 0;
  return paused ? 0 : second;
}

/* At AllocationCounter::AdvanceAllocationObservers(bytes); the cookie is V8Image::counter_paused. With the cookie
 * MP_V8_LARGE_OBJECT, at MemoryAllocator::AllocateLargePage(space, bytes, …). */
SEC("uprobe")
int v8_sample(struct pt_regs *ctx) {
  struct thread_state *t = get_thread();
  struct mp_process *process = t ? thread_process(t) : NULL;
  if (!process) return 0;
  t->v8_bytes += counted_bytes(ctx, t);
  if (t->v8_bytes < MP_V8_SAMPLE_BYTES || is_collecting(t->slot)) return 0;
  struct allocation sample = {.allocator = MP_ALLOCATOR_V8_SAMPLE, .size_bytes = t->v8_bytes};
  t->v8_bytes = 0;
  u32 status;
  /* the pc is that of the probe, not a return address: + 1 undoes the - 1 of the look-up */
  u64 stack = send_stack(t->slot, process, ctx->ip + 1, ctx->sp, ctx->bp, 1, &status);
  emit_allocate(MP_EVENT_SAMPLE, &sample, stack, status);
  return 0;
}

#endif
