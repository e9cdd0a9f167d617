/*
 * JavaScript frames of V8: the native walk passes through them, and notes where they are.
 *
 * On the hot path no object of V8 is read. A frame is known by its place: the return address, and of an interpreted
 * one, whose return address is always that of the interpreter, the byte code array and the offset in it. Both stay what
 * they are until a mark-compact collection, which moves objects and code: the collections are counted, and the count is
 * a part of the hash. So a stack is sent again after each of them, and the addon never takes one object for another
 * that has its address now.
 *
 * The addon reads names and lines out of the process, a moment later, once for each place between two collections;
 * stacks differ much more than the places in them. A collection that begins before, or the end of the heap,
 * wakes it and waits for it, though not for long. A JSFunction may be moved by the collections of the young
 * generation too, which are many: what leads on from it, and stays, is read here.
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

/* Hashes of places that were sent, two in a row for those that fall together, the newer one first. Forgetting one is
 * harmless: it is sent again. */
static u64 seen_places[1 << MP_SEEN_V8_PLACES_BITS];

#define SEEN_INDEX(hash) ((hash) >> (64 - MP_SEEN_V8_PLACES_BITS) & ((1 << MP_SEEN_V8_PLACES_BITS) - 2))

/* Makes the collections a part of the identity of a walk. */
static __always_inline void hash_collections(struct unwinder *u) {
  u32 slot = u->slot;
  struct mp_v8 *v8 = bpf_map_lookup_elem(&v8s, &slot);
  if (!v8) return;
  u->event.begun = v8->begun;
  u->event.ended = v8->ended;
  hash_word(u, (u64)v8->begun << 32 | v8->ended);
}

struct place_sender {
  struct unwinder *u;
  u64 seed; /* what makes a place another one: process, collections */
  u32 function_shared;
};

/* Never 0, which is no place's. */
static __always_inline u64 hash_place(u64 seed, u64 place) {
  u64 hash = (seed ^ place) * 0x9E3779B97F4A7C15UL;
  return (hash ^ hash >> 32) * 0x9E3779B97F4A7C15UL | 1;
}

static long take_new_place(u32 index, void *context) {
  struct place_sender *sender = context;
  struct unwinder *u = sender->u;
  u32 n = u->v8.count;
  if (index >= u->v8_count || index >= MP_MAX_V8_FRAMES || n >= MP_MAX_V8_FRAMES) return 1;
  u64 frame = u->v8_frames[index], function = 0;
  u64 place = u->frames[V8_FRAME_INDEX(frame) & (MP_MAX_FRAMES - 1)];
  u64 hash = hash_place(sender->seed, place);
  u64 *seen = &seen_places[SEEN_INDEX(hash)];
  if (seen[0] == hash || seen[1] == hash) return 0;
  struct mp_v8_place *taken = &u->v8_places[n & (MP_MAX_V8_FRAMES - 1)];
  taken->place = place;
  taken->shared = 0;
  bpf_probe_read_user(&function, 8, (void *)(V8_FRAME_POINTER(frame) + MP_V8_FUNCTION));
  if (is_v8_object(function))
    bpf_probe_read_user(&taken->shared, 8, (void *)(function - V8_HEAP_TAG + sender->function_shared));
  u->v8.count = n + 1;
  return 0;
}

static long mark_place(u32 index, void *context) {
  struct place_sender *sender = context;
  struct unwinder *u = sender->u;
  if (index >= u->v8.count || index >= MP_MAX_V8_FRAMES) return 1;
  u64 hash = hash_place(sender->seed, u->v8_places[index].place);
  u64 *seen = &seen_places[SEEN_INDEX(hash)];
  if (seen[0] == hash) return 0;
  seen[1] = seen[0];
  seen[0] = hash;
  return 0;
}

/* Sends the places of a new stack that are new, and only then marks them as sent; u->code_dropped says whether the ring
 * had no room. While objects are moved nobody could read what is sent. Returns how many it has sent. */
static __always_inline u32 send_v8_places(struct unwinder *u, u64 stack_seed) {
  u32 slot = u->slot, begun = u->event.begun, ended = u->event.ended;
  struct mp_v8 *v8 = bpf_map_lookup_elem(&v8s, &slot);
  if (!v8 || begun != ended) return 0;
  struct place_sender sender = {.u = u, .seed = hash_place(stack_seed, begun), .function_shared = v8->function_shared};
  u->v8.count = 0;
  bpf_loop(MP_MAX_V8_FRAMES, take_new_place, &sender, 0);
  u32 n = u->v8.count;
  if (!n || n > MP_MAX_V8_FRAMES) return 0;
  fill_header(&u->v8.event, MP_EVENT_V8_PLACES, 0);
  u->v8.begun = begun;
  u->v8.ended = ended;
  u->v8.pad = 0;
  if (bpf_ringbuf_output(&ring, &u->v8, sizeof(u->v8) + n * sizeof(struct mp_v8_place), BPF_RB_NO_WAKEUP)) {
    count(MP_COUNTER_RING_DROPPED);
    u->code_dropped = 1;
    return 0;
  }
  bpf_loop(MP_MAX_V8_FRAMES, mark_place, &sender, 0);
  return n;
}

/* The stack that was sent last has new places: until it is read, see wait_until_read(), objects had better stay. */
static __always_inline void note_unread(u32 slot) {
  struct mp_v8 *v8 = bpf_map_lookup_elem(&v8s, &slot);
  if (v8) v8->unread = bpf_ringbuf_query(&ring, BPF_RB_PROD_POS);
}

#endif
