/* Probes behind the system call of mmap, munmap and mremap, where arguments and result stand in registers at once:
 * rdi, rsi, rdx, r10 (flags), r8; rax. One probe a call, no return probe. */
#ifndef MP_MMAP_BPF_H
#define MP_MMAP_BPF_H

#include "malloc.bpf.h"

SEC("uprobe")
int mapping_syscall(struct pt_regs *ctx) {
  struct mapping_call mapping = {};
  struct call call = {.cookie = bpf_get_attach_cookie(ctx)};
  read_mapping_arguments(&call, ctx->di, ctx->si, ctx->dx, ctx->r10);
  if (!read_mapping_call(&mapping, MP_COOKIE_ALLOCATOR(call.cookie), &call, ctx->ax)) return 0;
  struct thread_state *t = get_thread();
  struct mp_process *process = t ? thread_process(t) : NULL;
  if (!process) return 0;
  /* the pc is that of the probe, not a return address: + 1 undoes the - 1 of the look-up */
  u64 pc = ctx->ip + 1, sp = ctx->sp, bp = ctx->bp;
  if (t->depth && is_nested(t, pc, sp, bp, 1)) return 0;
  report_mapping(t, process, &mapping, pc, sp, bp, 1);
  return 0;
}

#endif
