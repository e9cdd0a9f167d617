/* Calls of mmap, munmap and mremap: what they did and how it is reported, wherever the probe was. */
#ifndef MP_MAPPING_CALL_BPF_H
#define MP_MAPPING_CALL_BPF_H

#include "inflight.bpf.h"

#define MAX_ERRNO 4095

struct mapping_call {
  u32 kind;
  u64 old_address;
  u64 old_size_bytes;
  struct allocation allocation;
};

/* Reads the arguments of the C functions: mmap(address, size, protection, flags, ...), munmap(address, size),
 * mremap(address, old size, new size, flags, ...). */
static __always_inline void read_mapping_arguments(struct call *call, u64 first, u64 second, u64 third, u64 fourth) {
  int is_remap = MP_COOKIE_ALLOCATOR(call->cookie) == MP_ALLOCATOR_MREMAP;
  call->pointer = first;
  call->size_bytes = is_remap ? third : second;
  call->old_size_bytes = second;
  call->flags = fourth;
}

/* Returns 0 if the call changed nothing. */
static __always_inline int read_mapping_call(struct mapping_call *to, u32 allocator, const struct call *call,
                                             u64 result) {
  if (result > -(u64)MAX_ERRNO - 1) return 0;
  to->allocation.allocator = allocator;
  to->allocation.flags = 0;
  to->allocation.size_bytes = call->size_bytes;
  to->allocation.address = result;
  switch (allocator) {
    case MP_ALLOCATOR_MMAP:
      to->kind = MP_EVENT_ALLOCATE;
      if (call->flags & MAP_FIXED) to->allocation.flags = MP_FLAG_MAP_FIXED;
      return 1;
    case MP_ALLOCATOR_MUNMAP:
      to->kind = MP_EVENT_UNMAP;
      to->allocation.address = call->pointer;
      return 1;
    case MP_ALLOCATOR_MREMAP:
      to->kind = MP_EVENT_REMAP;
      to->old_address = call->pointer;
      to->old_size_bytes = call->flags & MREMAP_DONTUNMAP ? 0 : call->old_size_bytes;
      if (call->flags & MREMAP_FIXED) to->allocation.flags = MP_FLAG_MAP_FIXED;
      return 1;
  }
  return 0;
}

/* `skip`: pc is inside the function itself. */
static __always_inline void report_mapping(struct thread_state *t, struct mp_process *process,
                                           const struct mapping_call *call, u64 pc, u64 sp, u64 bp, u32 skip) {
  u32 status;
  u64 stack = send_stack(t->slot, process, pc, sp, bp, skip, &status);
  if (call->kind == MP_EVENT_REMAP)
    emit_remap(&call->allocation, call->old_address, call->old_size_bytes, stack, status);
  else
    emit_allocate(call->kind, &call->allocation, stack, status);
  wait_for_room();
}

/* At the return of a function without a place for a probe behind its system call. */
static __always_inline int leave_mapping_function(struct pt_regs *ctx, struct thread_state *t, struct call *call) {
  struct mapping_call mapping = {};
  struct mp_process *process = thread_process(t);
  if (process && read_mapping_call(&mapping, MP_COOKIE_ALLOCATOR(call->cookie), call, ctx->ax))
    report_mapping(t, process, &mapping, ctx->ip, ctx->sp, ctx->bp, 0);
  return 0;
}

#endif
