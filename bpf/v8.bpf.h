/*
 * JavaScript frames of V8: the native walk passes through them, and notes where they are.
 *
 * On the hot path no object of V8 is read. A frame is known by its return address, and an interpreted one, whose return
 * address is always that of the interpreter, by its byte code array and the offset in it. Both stay what they are until
 * a mark-compact collection, which moves objects and code: the collections are counted, and the count is a part of the
 * hash. So a stack is sent again after each of them, and the addon never takes one object for another that has its
 * address now.
 *
 * The addon reads names and lines out of the process, a moment later. A JSFunction may be moved by the collections of
 * the young generation too, which are many: what leads on from it, and stays, is read here.
 */
#ifndef MP_V8_BPF_H
#define MP_V8_BPF_H

#include "unwind.bpf.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, MP_MAX_PROCESSES);
  __type(key, u32);
  __type(value, struct mp_v8);
} v8s SEC(".maps");

#define V8_HEAP_TAG 1 /* added to the address of an object; src/common/globals.h */

/* Makes the collections a part of the identity of a walk. */
static __always_inline void hash_collections(struct unwinder *u) {
  u32 slot = u->slot;
  struct mp_v8 *v8 = bpf_map_lookup_elem(&v8s, &slot);
  if (!v8) return;
  u->v8.begun = v8->begun;
  u->v8.ended = v8->ended;
  hash_word(u, (u64)u->v8.begun << 32 | u->v8.ended);
}

static long copy_v8_frame(u32 index, void *context) {
  struct unwinder *u = *(struct unwinder **)context;
  u32 slot = u->slot;
  struct mp_v8 *v8 = bpf_map_lookup_elem(&v8s, &slot);
  if (!v8 || index >= u->v8.count || index >= MP_MAX_V8_FRAMES) return 1;
  u64 frame = u->v8_frames[index];
  struct mp_v8_frame *slots = &u->v8_slots[index];
  slots->frame = V8_FRAME_INDEX(frame);
  slots->is_interpreted = V8_FRAME_INTERPRETED(frame);
  slots->shared = 0;
  bpf_probe_read_user(&slots->byte_code_offset, -MP_V8_BYTE_CODE_OFFSET,
                      (void *)(V8_FRAME_POINTER(frame) + MP_V8_BYTE_CODE_OFFSET));
  bpf_probe_read_user(&slots->shared, 8, (void *)(slots->function - V8_HEAP_TAG + v8->function_shared));
  return 0;
}

/* Sends the slots of a new stack; u->code_dropped says whether the ring had no room. */
static __always_inline void send_v8_frames(struct unwinder *u) {
  bpf_loop(MP_MAX_V8_FRAMES, copy_v8_frame, &u, 0);
  u32 n = u->v8.count;
  if (n > MP_MAX_V8_FRAMES) return;
  fill_header(&u->v8.event, MP_EVENT_V8_FRAMES, 0);
  u->v8.stack = u->hash;
  u->v8.pad = 0;
  if (bpf_ringbuf_output(&ring, &u->v8, sizeof(u->v8) + n * sizeof(struct mp_v8_frame), BPF_RB_NO_WAKEUP)) {
    count(MP_COUNTER_RING_DROPPED);
    u->code_dropped = 1;
  }
}

#endif
