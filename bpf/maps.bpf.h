/* Every map but the state of the unwinder and of the threads, which stand beside their code. */
#ifndef MP_MAPS_BPF_H
#define MP_MAPS_BPF_H

#include "helpers.h"

/* ---- events to user space ---- */

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 64 << 20); /* --ring-size */
} ring SEC(".maps");

/* Stack hashes whose frames were sent. Forgetting one is harmless: it is sent again. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, MP_SEEN_STACKS);
  __type(key, u64);
  __type(value, u8);
} seen_stacks SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, MP_COUNTER_COUNT);
  __type(key, u32);
  __type(value, u64);
} counters SEC(".maps");

/* ---- traced processes ---- */

/* Set before load; select.bpf.h. */
const volatile struct mp_selection selection = {};

/* pid -> slot */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, MP_MAX_PROCESSES);
  __type(key, u32);
  __type(value, u32);
} process_slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, MP_MAX_PROCESSES);
  __type(key, u32);
  __type(value, struct mp_process);
} processes SEC(".maps");

/* slot -> its mappings; addon/mapping_tables.h */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, MP_MAX_PROCESSES);
  __type(key, u32);
  __array(
      values, struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
        __uint(max_entries, 1);
        __uint(key_size, sizeof(u32));
        __uint(value_size, sizeof(struct mp_mapping));
      });
} mappings SEC(".maps");

/* module -> its unwind rows */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, MP_MAX_MODULES);
  __type(key, u32);
  __array(
      values, struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
        __uint(max_entries, 1);
        __uint(key_size, sizeof(u32));
        __uint(value_size, sizeof(struct mp_unwind_row));
      });
} rows SEC(".maps");

static __always_inline void count(u32 counter) {
  u64 *value = bpf_map_lookup_elem(&counters, &counter);
  if (value) *value += 1;
}

#ifndef MP_HOST
static __always_inline void fill_header(struct mp_event *event, u32 kind, u32 allocator) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  event->kind = kind;
  event->allocator = allocator;
  event->flags = 0;
  event->stack_status = 0;
  event->pid = pid_tgid >> 32;
  event->tid = (u32)pid_tgid;
  event->pad = 0;
  event->time_ns = bpf_ktime_get_ns();
}
#endif

#endif
