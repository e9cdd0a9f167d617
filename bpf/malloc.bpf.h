/* Probes on allocators of single blocks: entry and return of the functions that give memory, entry of free. The attach
 * cookie is the enum mp_allocator of the function. */
#ifndef MP_MALLOC_BPF_H
#define MP_MALLOC_BPF_H

#include "inflight.bpf.h"

extern _Bool bpf_session_is_return(void) __weak __ksym;

static __always_inline int is_reallocation(u32 allocator) {
  return allocator == MP_ALLOCATOR_REALLOC || allocator == MP_ALLOCATOR_REALLOCARRAY ||
         allocator == MP_ALLOCATOR_PYMALLOC_REALLOC;
}

/* A product that overflows is a call that fails; as a size it must only not look like 0. */
static __always_inline u64 product(u64 count, u64 size_bytes) {
  if (!size_bytes) return 0;
  u64 limit = ~0ULL / size_bytes;
  asm volatile("" : "+r"(limit)); /* else clang makes a 128-bit multiplication of it, which BPF lacks */
  return count > limit ? ~0ULL : count * size_bytes;
}

static __always_inline void read_arguments(struct pt_regs *ctx, struct call *call) {
  u64 first = ctx->di, second = ctx->si, third = ctx->dx;
  call->pointer = 0;
  switch (call->allocator) {
    case MP_ALLOCATOR_CALLOC:
      call->size_bytes = product(first, second);
      break;
    case MP_ALLOCATOR_REALLOC:
      call->pointer = first;
      call->size_bytes = second;
      break;
    case MP_ALLOCATOR_REALLOCARRAY:
      call->pointer = first;
      call->size_bytes = product(second, third);
      break;
    case MP_ALLOCATOR_PYMALLOC_CALLOC:
      call->size_bytes = product(second, third);
      break;
    case MP_ALLOCATOR_PYMALLOC_REALLOC:
      call->pointer = second;
      call->size_bytes = third;
      break;
    case MP_ALLOCATOR_POSIX_MEMALIGN:
      call->pointer = first;
      call->size_bytes = third;
      break;
    case MP_ALLOCATOR_ALIGNED_ALLOC:
    case MP_ALLOCATOR_MEMALIGN:
    case MP_ALLOCATOR_PYMALLOC_MALLOC:
      call->size_bytes = second;
      break;
    default: /* malloc, valloc, pvalloc */
      call->size_bytes = first;
  }
}

static __always_inline void report_free(u32 kind, u32 allocator, u64 address) {
  emit_free(kind, allocator, address);
  wait_for_room();
}

/* Returns 0 if the call was recorded and its return matters, 1 if not. */
static __always_inline int enter(struct pt_regs *ctx) {
  struct thread_state *t = get_thread();
  if (!t || !thread_process(t)) return 1;
  u64 sp = ctx->sp;
  if (t->depth) {
    u64 caller = 0;
    if (bpf_probe_read_user(&caller, 8, (void *)sp)) return 1;
    struct call *outer = &t->calls[(t->depth - 1) & (MP_MAX_INFLIGHT - 1)];
    u64 trampoline = trampoline_page();
    if (trampoline && (caller & ~4095UL) == trampoline && outer->return_slot == sp) return 1; /* tail call */
    if (is_nested(t, caller, sp + 8, ctx->bp, 0)) return 1;
  }
  struct call *call = push_call(t, bpf_get_attach_cookie(ctx), sp);
  if (!call) return 1;
  read_arguments(ctx, call);
  if (is_reallocation(call->allocator) && call->pointer) report_free(MP_EVENT_RELEASE, call->allocator, call->pointer);
  return 0;
}

/* Walks the stack of the caller, whose registers the context holds, and reports the allocation. */
static __always_inline void report(struct pt_regs *ctx, struct thread_state *t, const struct allocation *a) {
  struct mp_process *process = thread_process(t);
  if (!process) return;
  u32 status;
  u64 stack = send_stack(t->slot, process, ctx->ip, ctx->sp, ctx->bp, 0, &status);
  emit_allocate(MP_EVENT_ALLOCATE, a, stack, status);
  wait_for_room();
}

static __always_inline int leave(struct pt_regs *ctx) {
  struct thread_state *t = peek_thread();
  if (!t || !t->depth) return 0;
  struct call *call = pop_call(t, bpf_get_attach_cookie(ctx), ctx->sp - 8);
  if (!call) return 0;
  struct allocation a = {.allocator = call->allocator, .address = ctx->ax, .size_bytes = call->size_bytes};
  if (a.allocator == MP_ALLOCATOR_POSIX_MEMALIGN) {
    if ((u32)a.address != 0) return 0; /* an error number */
    if (bpf_probe_read_user(&a.address, 8, (void *)call->pointer)) return 0;
  }
  if (is_reallocation(a.allocator) && call->pointer) {
    if (!a.address) {
      /* realloc(p, 0) frees; any other NULL is a failure that left the block alone */
      report_free(call->size_bytes ? MP_EVENT_CANCEL : MP_EVENT_COMMIT, a.allocator, call->pointer);
      return 0;
    }
    a.flags = MP_FLAG_COMMITS_RELEASE;
  }
  if (a.address) report(ctx, t, &a);
  return 0;
}

/* Kernel 6.13: one program at entry and return; 1 at entry spares the return. */
SEC("uprobe")
int allocator_session(struct pt_regs *ctx) {
  return bpf_session_is_return() ? leave(ctx) : enter(ctx);
}

SEC("uprobe")
int allocator_entry(struct pt_regs *ctx) {
  enter(ctx);
  return 0;
}

SEC("uprobe")
int allocator_return(struct pt_regs *ctx) {
  return leave(ctx);
}

SEC("uprobe")
int deallocator_entry(struct pt_regs *ctx) {
  u64 first = ctx->di, second = ctx->si;
  u32 allocator = bpf_get_attach_cookie(ctx);
  u64 address = allocator == MP_ALLOCATOR_PYMALLOC_FREE ? second : first;
  if (address) report_free(MP_EVENT_FREE, allocator, address);
  return 0;
}

/* At the destructor of Python code objects: another one can get the address. */
SEC("uprobe")
int python_code_freed(struct pt_regs *ctx) {
  struct thread_state *t = get_thread();
  struct mp_process *process = t ? thread_process(t) : NULL;
  if (!process) return 0;
  forget_code(ctx->di, process->stack_seed);
  return 0;
}

/* At functions that V8 runs when a mark-compact collection begins (cookie 0) and when it has moved everything (1). */
SEC("uprobe")
int v8_collection(struct pt_regs *ctx) {
  struct thread_state *t = get_thread();
  if (!t || !thread_process(t)) return 0;
  u32 slot = t->slot;
  struct mp_v8 *v8 = bpf_map_lookup_elem(&v8s, &slot);
  if (!v8) return 0;
  if (!bpf_get_attach_cookie(ctx))
    __sync_fetch_and_add(&v8->begun, 1);
  else if (v8->ended != v8->begun) /* else it began before tracing did */
    __sync_fetch_and_add(&v8->ended, 1);
  return 0;
}

#endif
