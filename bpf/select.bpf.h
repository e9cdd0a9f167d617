/* Which processes are traced that nobody gave by pid: all, those of a name, those of a cgroup. Decided when a program
 * is executed; children are followed from their parents. */
#ifndef MP_SELECT_BPF_H
#define MP_SELECT_BPF_H

#include "hold.bpf.h"

#define MAX_HIERARCHIES 16 /* one for each controller of version 1, one of version 2, and named ones */
#define MAX_CGROUP_DEPTH 64

/* Whether it is the selected cgroup or lies below. */
static __always_inline int is_in_cgroup(struct cgroup *cgroup) {
  for (int i = 0; i < MAX_CGROUP_DEPTH && cgroup; i++) {
    if (BPF_CORE_READ(cgroup, kn, id) == selection.cgroup) return 1;
    struct cgroup_subsys_state *parent = BPF_CORE_READ(cgroup, self.parent);
    cgroup = parent ? BPF_CORE_READ(parent, cgroup) : NULL;
  }
  return 0;
}

/* The cgroup of a task in the selected hierarchy of version 1, which it is linked to; NULL: not found. */
static __always_inline struct cgroup *linked_cgroup(struct css_set *set) {
  const unsigned long offset = bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);
  struct list_head *entry = BPF_CORE_READ(set, cgrp_links.next);
  for (int i = 0; i < MAX_HIERARCHIES; i++) {
    struct cgrp_cset_link *link = (void *)entry - offset;
    struct cgroup *cgroup = BPF_CORE_READ(link, cgrp);
    if (BPF_CORE_READ(cgroup, root, hierarchy_id) == (int)selection.hierarchy) return cgroup;
    entry = BPF_CORE_READ(entry, next);
  }
  return NULL;
}

static __always_inline int has_selected_name(const char *comm) {
  for (int i = 0; i < MP_COMM_LENGTH; i++) {
    if (comm[i] != selection.comm[i]) return 0;
    if (!comm[i]) return 1;
  }
  return 1;
}

/* The tracer and what it starts are never traced: each event would make others. */
static __always_inline int is_tracer(struct task_struct *task) {
  return (u32)task->tgid == selection.tracer || (u32)BPF_CORE_READ(task, real_parent, tgid) == selection.tracer;
}

/* Of the current task, which begins to execute a program. */
static __always_inline int is_selected(struct task_struct *task) {
  if (selection.kind == MP_SELECT_NONE || is_tracer(task)) return 0;
  if (selection.kind == MP_SELECT_ALL) return 1;
  if (selection.kind == MP_SELECT_COMM) return has_selected_name(task->comm);
  struct css_set *set = BPF_CORE_READ(task, cgroups);
  return is_in_cgroup(selection.hierarchy ? linked_cgroup(set) : BPF_CORE_READ(set, dfl_cgrp));
}

#endif
