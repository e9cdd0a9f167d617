/* Probes on allocators of single blocks: entry and return of the functions that give memory, entry of free; also entry
 * and return of those functions for mappings that have no place for a probe behind their system call. The attach cookie
 * (MP_COOKIE) says which function it is and where its arguments are. */
#ifndef MP_MALLOC_BPF_H
#define MP_MALLOC_BPF_H

#include "mapping_call.bpf.h"

extern _Bool bpf_session_is_return(void) __weak __ksym;

/* A mapping of so many bytes is refused by no policy of the kernel; 0: nothing is certain. Set before load. */
const volatile unsigned long long certain_bytes = 0;
#define SPARE_BYTES (256UL << 20)  /* an allocator maps more than what it is asked for */
#define MAX_CERTAIN_MAPPINGS 60000 /* vm.max_map_count is 65530, or larger */

static __always_inline int is_reallocation(u32 cookie) {
  u32 signature = MP_COOKIE_SIGNATURE(cookie);
  return signature == MP_SIGNATURE_REALLOC || signature == MP_SIGNATURE_REALLOC_PRODUCT ||
         signature == MP_SIGNATURE_REALLOC_FOURTH || signature == MP_SIGNATURE_RESIZE;
}

/* A product that overflows is a call that fails; as a size it must only not look like 0. */
static __always_inline u64 product(u64 count, u64 size_bytes) {
  if (!size_bytes) return 0;
  u64 limit = ~0ULL / size_bytes;
  asm volatile("" : "+r"(limit)); /* else clang makes a 128-bit multiplication of it, which BPF lacks */
  return count > limit ? ~0ULL : count * size_bytes;
}

/* The four registers that a cookie names. */
static __always_inline void read_moved(struct pt_regs *ctx, u32 cookie, u64 *arguments) {
  u64 registers[16] = {ctx->ax, ctx->cx, ctx->dx,  ctx->bx,  ctx->sp,  ctx->bp,  ctx->si,  ctx->di,
                       ctx->r8, ctx->r9, ctx->r10, ctx->r11, ctx->r12, ctx->r13, ctx->r14, ctx->r15};
  for (int i = 0; i < 4; i++) arguments[i] = registers[cookie >> (16 + 4 * i) & 15];
}

static __always_inline void read_arguments(struct pt_regs *ctx, struct call *call) {
  u64 arguments[4] = {ctx->di, ctx->si, ctx->dx, ctx->cx};
  if (call->cookie & MP_COOKIE_MOVED) read_moved(ctx, call->cookie, arguments);
  u64 first = arguments[0], second = arguments[1], third = arguments[2], fourth = arguments[3];
  if (call->cookie & MP_COOKIE_CONTEXT) {
    first = second;
    second = third;
    third = fourth;
  }
  call->pointer = 0;
  switch (MP_COOKIE_SIGNATURE(call->cookie)) {
    case MP_SIGNATURE_SECOND_SIZE:
      call->size_bytes = second;
      break;
    case MP_SIGNATURE_PRODUCT:
      call->size_bytes = product(first, second);
      break;
    case MP_SIGNATURE_REALLOC:
    case MP_SIGNATURE_RESIZE:
      call->pointer = first;
      call->size_bytes = second;
      break;
    case MP_SIGNATURE_REALLOC_PRODUCT:
      call->pointer = first;
      call->size_bytes = product(second, third);
      break;
    case MP_SIGNATURE_REALLOC_FOURTH:
      call->pointer = first;
      call->size_bytes = fourth;
      break;
    case MP_SIGNATURE_STORED:
      call->pointer = first;
      call->size_bytes = third;
      break;
    case MP_SIGNATURE_MAPPING:
      read_mapping_arguments(call, first, second, third, fourth);
      break;
    default:
      call->size_bytes = first;
  }
}

static __always_inline void report_free(u32 kind, u32 allocator, u64 address) {
  emit_free(kind, allocator, address);
  wait_for_room();
}

/* Whether operator new could fail. A return probe replaces the return address by one that no exception can pass: the
 * program would end. So a call gets one only if memory is certain. What can't be had at all is nobody's loss. */
static __always_inline int may_throw(u64 size_bytes) {
  struct task_struct *task = bpf_get_current_task_btf();
  struct mm_struct *mm = task->mm;
  struct signal_struct *signal = task->signal;
  if (size_bytes >> 47) return 1;
  u64 pages = (size_bytes + SPARE_BYTES) >> 12;
  if (mm && signal && size_bytes < certain_bytes && mm->map_count < MAX_CERTAIN_MAPPINGS &&
      mm->total_vm + pages < signal->rlim[RLIMIT_AS].rlim_cur >> 12 &&
      mm->data_vm + pages < signal->rlim[RLIMIT_DATA].rlim_cur >> 12)
    return 0;
  count(MP_COUNTER_NEW_UNSEEN);
  return 1;
}

/* Returns 0 if the call was recorded and its return matters, 1 if not. */
static __always_inline int enter(struct pt_regs *ctx) {
  u32 cookie = bpf_get_attach_cookie(ctx);
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
  struct call arguments = {.cookie = cookie, .return_slot = sp};
  read_arguments(ctx, &arguments);
  if (cookie & MP_COOKIE_THROWS && may_throw(arguments.size_bytes)) return 1;
  struct call *call = push_call(t, &arguments);
  if (!call) return 1;
  if (is_reallocation(cookie) && call->pointer)
    report_free(MP_EVENT_RELEASE, MP_COOKIE_ALLOCATOR(cookie), call->pointer);
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

/* What became of the old block of a realloc. Returns 0 if there is no new one. */
static __always_inline int finish_reallocation(const struct call *call, struct allocation *a) {
  u32 allocator = a->allocator;
  int is_resize = MP_COOKIE_SIGNATURE(call->cookie) == MP_SIGNATURE_RESIZE;
  int has_failed = is_resize ? a->address < call->size_bytes : !a->address;
  if (is_resize) a->address = call->pointer;
  if (!has_failed) {
    a->flags = MP_FLAG_COMMITS_RELEASE;
    return 1;
  }
  /* realloc(p, 0) frees; any other NULL is a failure that left the block alone */
  int is_freed = !call->size_bytes || call->cookie & MP_COOKIE_FREES;
  report_free(is_freed ? MP_EVENT_COMMIT : MP_EVENT_CANCEL, allocator, call->pointer);
  return 0;
}

static __always_inline int leave(struct pt_regs *ctx) {
  u32 cookie = bpf_get_attach_cookie(ctx);
  struct thread_state *t = peek_thread();
  if (!t || !t->depth) return 0;
  struct call *call = pop_call(t, cookie, ctx->sp - 8);
  if (!call) return 0;
  if (MP_COOKIE_SIGNATURE(cookie) == MP_SIGNATURE_MAPPING) return leave_mapping_function(ctx, t, call);
  struct allocation a = {.allocator = MP_COOKIE_ALLOCATOR(cookie), .address = ctx->ax, .size_bytes = call->size_bytes};
  if (MP_COOKIE_SIGNATURE(cookie) == MP_SIGNATURE_STORED) {
    if ((u32)a.address != 0) return 0; /* an error number */
    if (bpf_probe_read_user(&a.address, 8, (void *)call->pointer)) return 0;
  }
  if (is_reallocation(cookie) && call->pointer && !finish_reallocation(call, &a)) return 0;
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
  if (is_stranger()) return 0;
  u32 cookie = bpf_get_attach_cookie(ctx);
  u64 arguments[4] = {ctx->di, ctx->si};
  if (cookie & MP_COOKIE_MOVED) read_moved(ctx, cookie, arguments);
  u64 address = cookie & MP_COOKIE_CONTEXT ? arguments[1] : arguments[0];
  if (address) report_free(MP_EVENT_FREE, MP_COOKIE_ALLOCATOR(cookie), address);
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

/* At functions that V8 runs when a mark-compact collection begins (MP_V8_COLLECTS), when it has moved everything
 * (MP_V8_COLLECTED), and before a heap is freed, as that of a worker that ended (MP_V8_FREES): another heap may have
 * other objects at the same addresses. Heaps are collected side by side, each by its own thread. And before V8 10.2
 * forgets what was inlined into code that it has given up (MP_V8_INVALIDATES): nothing moves then. */
SEC("uprobe")
int v8_collection(struct pt_regs *ctx) {
  struct thread_state *t = get_thread();
  if (!t || !thread_process(t)) return 0;
  u32 slot = t->slot;
  struct mp_v8 *v8 = bpf_map_lookup_elem(&v8s, &slot);
  if (!v8) return 0;
  u32 what = bpf_get_attach_cookie(ctx);
  if (what != MP_V8_COLLECTED) wait_until_read(v8->unread);
  if (what == MP_V8_INVALIDATES) return 0;
  if (what != MP_V8_COLLECTED) {
    __sync_fetch_and_add(&v8->begun, 1);
    t->collects_v8 = 1;
  }
  if (what != MP_V8_COLLECTS && t->collects_v8) { /* else it began before tracing did */
    t->collects_v8 = 0;
    __sync_fetch_and_add(&v8->ended, 1);
  }
  return 0;
}

#endif
