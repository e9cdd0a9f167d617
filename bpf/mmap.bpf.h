/* Probes behind the system call of mmap, munmap and mremap, where arguments and result stand in registers at once:
 * rdi, rsi, rdx, r10 (flags), r8; rax. One probe a call, no return probe. */
#ifndef MP_MMAP_BPF_H
#define MP_MMAP_BPF_H

#include "malloc.bpf.h"

#define MAX_ERRNO 4095

struct mapping_call {
  u32 kind;
  u64 old_address;
  u64 old_size_bytes;
  struct allocation allocation;
};

/* Returns 0 if the call changed nothing. */
static __always_inline int read_mapping_call(struct pt_regs *ctx, u32 allocator, struct mapping_call *call) {
  u64 result = ctx->ax, flags = ctx->r10;
  if (result > -(u64)MAX_ERRNO - 1) return 0;
  call->allocation.allocator = allocator;
  call->allocation.flags = 0;
  call->allocation.size_bytes = ctx->si;
  call->allocation.address = result;
  switch (allocator) {
    case MP_ALLOCATOR_MMAP:
      call->kind = MP_EVENT_ALLOCATE;
      if (flags & MAP_FIXED) call->allocation.flags = MP_FLAG_MAP_FIXED;
      return 1;
    case MP_ALLOCATOR_MUNMAP:
      call->kind = MP_EVENT_UNMAP;
      call->allocation.address = ctx->di;
      return 1;
    case MP_ALLOCATOR_MREMAP:
      call->kind = MP_EVENT_REMAP;
      call->allocation.size_bytes = ctx->dx;
      call->old_address = ctx->di;
      call->old_size_bytes = flags & MREMAP_DONTUNMAP ? 0 : ctx->si;
      if (flags & MREMAP_FIXED) call->allocation.flags = MP_FLAG_MAP_FIXED;
      return 1;
  }
  return 0;
}

SEC("uprobe")
int mapping_syscall(struct pt_regs *ctx) {
  struct mapping_call call = {};
  if (!read_mapping_call(ctx, bpf_get_attach_cookie(ctx), &call)) return 0;
  struct thread_state *t = get_thread();
  struct mp_process *process = t ? thread_process(t) : NULL;
  if (!process) return 0;
  /* the pc is that of the probe, not a return address: + 1 undoes the - 1 of the look-up */
  u64 pc = ctx->ip + 1, sp = ctx->sp, bp = ctx->bp;
  if (t->depth && is_nested(t, pc, sp, bp, 1)) return 0;

  u32 status;
  u64 stack = send_stack(t->slot, process, pc, sp, bp, 1, &status);
  if (call.kind == MP_EVENT_REMAP)
    emit_remap(&call.allocation, call.old_address, call.old_size_bytes, stack, status);
  else
    emit_allocate(call.kind, &call.allocation, stack, status);
  wait_for_room();
  return 0;
}

#endif
