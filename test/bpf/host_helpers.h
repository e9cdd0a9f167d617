/* What bpf_helpers.h is to the BPF build, for a build of the unwinder as an ordinary program: bpf/helpers.h includes it
 * when MP_HOST is defined. The functions are in unwinder_host.c, which says what stands behind them. */
#ifndef MP_HOST_HELPERS_H
#define MP_HOST_HELPERS_H

/* The libc and kernel headers define some of these in their own way. */
#undef SEC
#undef __always_inline
#undef __noinline

#define SEC(name)
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))

/* A map's definition is never looked into here: its address says which map is meant. */
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name
#define __array(name, value) typeof(value) *name[]

/* Element of an array map or inner map of an array of maps, NULL behind the last one; of a hash map, NULL if it is not
 * there. */
void *bpf_map_lookup_elem(void *map, const void *key);
/* Of hash maps: 0, or -2 (ENOENT) if there is nothing to delete. */
long bpf_map_update_elem(void *map, const void *key, const void *value, u64 flags);
long bpf_map_delete_elem(void *map, const void *key);
/* 0, or -14 (EFAULT) if a byte cannot be read; `to` is zeroed then, as the kernel does. */
long bpf_probe_read_user(void *to, u32 size_bytes, const void *address);
/* Calls `step` up to `turns` times, until it returns 1. */
long bpf_loop(u32 turns, long (*step)(u32 index, void *context), void *context, u64 flags);
u32 bpf_get_smp_processor_id(void);
/* 0, or -11 (EAGAIN) if the ring is full. */
long bpf_ringbuf_output(void *ring, const void *event, u64 size_bytes, u64 flags);
u64 bpf_ringbuf_query(void *ring, u64 flags);
/* Not called by what the tests run. */
void *bpf_ringbuf_reserve(void *ring, u64 size_bytes, u64 flags);
void bpf_ringbuf_submit(void *event, u64 flags);
long bpf_get_current_comm(void *to, u32 size_bytes);
long bpf_probe_read_kernel_str(void *to, u32 size_bytes, const void *address);

/* In the kernel build these follow task->utask and task->thread. */
u64 original_return_address(u64 slot);
u64 trampoline_page(void);
u64 current_thread_pointer(void);

void fill_header(struct mp_event *event, u32 kind, u32 allocator);

#endif
