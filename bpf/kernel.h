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
  struct pid *pids[4];
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

struct list_head {
  struct list_head *next;
};

/* include/linux/cgroup-defs.h */
struct kernfs_node {
  u64 id;
};

struct cgroup_root {
  int hierarchy_id;
};

struct cgroup;

struct cgroup_subsys_state {
  struct cgroup *cgroup;
  struct cgroup_subsys_state *parent;
};

struct cgroup {
  struct cgroup_subsys_state self;
  struct kernfs_node *kn;
  struct cgroup_root *root;
};

struct css_set {
  struct cgroup *dfl_cgrp; /* in the hierarchy of version 2 */
  struct list_head cgrp_links;
};

/* kernel/cgroup/cgroup-internal.h: one for each hierarchy */
struct cgrp_cset_link {
  struct cgroup *cgrp;
  struct list_head cgrp_link;
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
  struct css_set *cgroups;
  struct thread_struct thread;
};

#pragma clang attribute pop

/* arch/x86/include/uapi/asm/ptrace.h: user ABI, so no relocation (which the verifier does not allow on a context) */
struct pt_regs {
  unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

/* include/linux/pid_types.h: indices of signal_struct.pids */
#define PIDTYPE_PGID 2
#define PIDTYPE_SID 3
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
