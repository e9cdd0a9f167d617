/* The few kernel types that are read; fields are relocated by CO-RE, so order and size here don't matter. */
#ifndef MP_KERNEL_H
#define MP_KERNEL_H

#include <linux/bpf.h>
#include "mp.h"

typedef __mp_u8 u8;
typedef __mp_u16 u16;
typedef __mp_u32 u32;
typedef __mp_u64 u64;
typedef int s32;
typedef long long s64;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* include/linux/uprobes.h */
struct return_instance {
  unsigned long stack; /* where the return address was replaced */
  unsigned long orig_ret_vaddr;
  _Bool chained;
  struct return_instance *next;
};

struct uprobe_task {
  struct return_instance *return_instances;
};

/* kernel/events/uprobes.c: its address is where return probes land */
struct xol_area {
  unsigned long vaddr;
};

struct uprobes_state {
  struct xol_area *xol_area;
};

struct mm_struct {
  unsigned long total_vm; /* pages */
  unsigned long data_vm;
  int map_count;
  struct uprobes_state uprobes_state;
};

typedef struct {
  int counter;
} atomic_t;

struct rlimit {
  unsigned long rlim_cur;
};

struct signal_struct {
  struct rlimit rlim[16];
  atomic_t live;
  int nr_threads;
  int group_exit_code;
  unsigned int flags;
  struct mm_struct *oom_mm; /* what the OOM killer has marked its victim with */
};

struct sigaction {
  void *sa_handler;
};

struct k_sigaction {
  struct sigaction sa;
};

struct sighand_struct {
  struct k_sigaction action[64];
};

/* arch/x86/include/asm/processor.h */
struct thread_struct {
  unsigned long fsbase;
};

struct thread_info {
  unsigned long flags;
};

struct task_struct {
  struct thread_info thread_info;
  int pid;
  int tgid;
  int exit_code;
  char comm[MP_COMM_LENGTH];
  struct mm_struct *mm;
  struct signal_struct *signal;
  struct sighand_struct *sighand;
  struct task_struct *real_parent;
  struct uprobe_task *utask;
  struct thread_struct thread;
};

#pragma clang attribute pop

/* arch/x86/include/uapi/asm/ptrace.h: user ABI, so no relocation (which the verifier does not allow on a context) */
struct pt_regs {
  unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

#define SIGNAL_GROUP_EXIT 0x4 /* include/linux/sched/signal.h */
#define RLIMIT_DATA 2
#define RLIMIT_AS 9
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIG_IGN ((void *)1) /* SIG_DFL is 0, handlers lie above */
#define MAP_FIXED 0x10
#define MAP_FIXED_NOREPLACE 0x100000
#define MREMAP_FIXED 2
#define MREMAP_DONTUNMAP 4

#endif
