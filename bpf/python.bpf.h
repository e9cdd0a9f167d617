/*
 * Python frames: from the current thread to the frames of its interpreter, without a look at the native stack.
 *
 *     thread pointer ──► value of a pthread key ──► PyThreadState ──► (C frame ──►) frame ──► previous frame ──► …
 *     _PyRuntime ──► thread state that holds the interpreter lock ──┘ (up to 3.11)
 *
 * A frame is known by its code object and its position in it; the code object itself is not read here. What it says
 * (name, file, lines) is sent once, before the first stack with it, so that it can be told from a process that has
 * ended meanwhile. The addon merges the frames into the native stack: each activation of the evaluation loop stands for
 * the frames down to the next one that the loop was entered with.
 *
 * A code object that is freed makes room for another one at its address. A probe on its destructor makes frames of that
 * address hash differently from then on, and lets the new object be sent.
 */
#ifndef MP_PYTHON_BPF_H
#define MP_PYTHON_BPF_H

#include "unwind.bpf.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, MP_MAX_PROCESSES);
  __type(key, u32);
  __type(value, struct mp_python);
} pythons SEC(".maps");

#define CODE_GENERATION_BITS 16
#define FRAMES_PER_CALL 4

/* Counted up when a code object is freed, by hash of its address; shared ones only make a stack be sent once more. */
static u16 code_generations[1 << CODE_GENERATION_BITS];

static __always_inline u32 code_slot(u64 code) {
  return (u32)(code >> 4 ^ code >> 20) & ((1 << CODE_GENERATION_BITS) - 1);
}

struct python_walk {
  struct unwinder *u;
  struct mp_python *python;
  u64 frame;
  u32 failed;
};

/* Sees to it that the frame lies in the window; its offset there, or -1. Frames of a thread are pushed upwards: what
 * lies below the first one is copied with it. */
static __always_inline u64 load_frame(struct unwinder *u, struct mp_python *python, u64 frame) {
  u32 size = python->frame_size, length = python->window_size;
  if (frame & 7 || size > MP_PYTHON_MAX_FRAME) return -1;
  u64 offset = frame - u->window_base;
  if (offset < MP_STACK_WINDOW && offset + size <= u->window_length) return offset;
  u64 end = frame + size, base = end - length, page = frame & ~4095UL;
  if (base < page) base = page;
  length = end - base;
  u->window_length = 0;
  if (length == 0 || length > MP_STACK_WINDOW) return -1;
  if (bpf_probe_read_user(u->window, length, (void *)base)) return -1;
  u->window_base = base;
  u->window_length = length;
  return frame - base;
}

static __always_inline u64 frame_word(struct unwinder *u, u64 offset, u32 field) {
  return u->window[(offset + field) / 8 & (WINDOW_WORDS - 1)];
}

static __always_inline u32 unit_of(struct mp_python *python, u64 code, u64 instruction) {
  u64 unit;
  switch (python->instruction_kind) {
    case MP_PYTHON_BYTE_INDEX:
      unit = (s64)(s32)instruction >> 1;
      break;
    case MP_PYTHON_UNIT_INDEX:
      unit = (s64)(s32)instruction;
      break;
    default:
      unit = (s64)(instruction - code - python->code_instructions) >> 1;
  }
  return unit < MP_PYTHON_NO_UNIT ? unit : MP_PYTHON_NO_UNIT;
}

/* The generation is added behind the multiplication: before it, one could be taken for another instruction. */
static __always_inline void hash_frame(struct unwinder *u, u64 word, u32 generation) {
  u64 hash = (u->hash ^ word) * 0x9E3779B97F4A7C15UL + generation;
  u->hash = hash ^ hash >> 29;
}

/* Takes one frame. Not 0: it was the last one, or could not be read. */
static __always_inline long take_frame(struct python_walk *walk, struct unwinder *u, struct mp_python *python) {
  if (!walk->frame) return 1;
  u32 native = u->event.frame_count, n = u->event.python_count;
  u64 offset = load_frame(u, python, walk->frame);
  if (offset >= MP_STACK_WINDOW || native + n >= MP_MAX_FRAMES) {
    walk->failed = 1;
    return 1;
  }
  u64 code = frame_word(u, offset, python->frame_code) & ~7UL;
  u64 instruction = frame_word(u, offset, python->frame_instruction);
  u32 entry_field = python->frame_entry;
  u32 entry = frame_word(u, offset, entry_field) >> (entry_field & 7) * 8 & 0xff;
  walk->frame = frame_word(u, offset, python->frame_previous);

  u32 is_entry = 1;
  if (python->entry_kind == MP_PYTHON_ENTRY_SHIM) {
    if (entry == 3) { /* FRAME_OWNED_BY_CSTACK: the loop was entered with the frame before it */
      if (!n) return 0;
      u->frames[(native + n - 1) & (MP_MAX_FRAMES - 1)] |= 1;
      hash_frame(u, 1, 0); /* the frame before it is in the hash without its mark */
      return 0;
    }
    is_entry = 0;
  } else if (python->entry_kind == MP_PYTHON_ENTRY_FLAG) {
    is_entry = entry & 1;
  }
  u64 word = MP_PYTHON_FRAME(code, unit_of(python, code, instruction), is_entry);
  u->frames[(native + n) & (MP_MAX_FRAMES - 1)] = word;
  u->event.python_count = n + 1;
  hash_frame(u, word, code_generations[code_slot(code)]);
  return 0;
}

/* The call of a callback costs about as much as a frame. */
static long take_frames(u32 index, void *context) {
  struct python_walk *walk = context;
  for (int i = 0; i < FRAMES_PER_CALL; i++)
    if (take_frame(walk, walk->u, walk->python)) return 1;
  return 0;
}

/* Up to 3.11 the pthread key leads to the thread's state in the interpreter that it began with, also while it runs
 * another one. What the state that holds the lock says of its frame, if that is one of this thread: not 0, and the
 * frame or C frame. The window takes what lies between the two words of the state. */
static __always_inline int read_current_state(struct unwinder *u, struct mp_python *python, u64 thread_pointer,
                                              u64 *frame) {
  u64 state = 0;
  u32 distance = python->thread_id - python->thread_frame, length = distance + 8;
  if (!python->current_address || distance & 7 || length > MP_STACK_WINDOW) return 0;
  if (bpf_probe_read_user(&state, 8, (void *)python->current_address) || !state) return 0;
  if (bpf_probe_read_user(u->window, length, (void *)(state + python->thread_frame))) return 0;
  *frame = u->window[0];
  return u->window[distance / 8 & (WINDOW_WORDS - 1)] == thread_pointer;
}

/* The same of the state that the pthread key leads to. Negative: it could not be read. */
static __always_inline int read_own_state(struct mp_python *python, u64 thread_pointer, u64 *frame) {
  if (python->tss_key == MP_PYTHON_NO_KEY) {
    struct {
      int is_initialized;
      u32 key;
    } tss;
    if (bpf_probe_read_user(&tss, sizeof(tss), (void *)python->tss_key_address) || !tss.is_initialized) return 0;
    python->tss_key = tss.key;
  }
  if (python->tss_key >= 32) return 0; /* further keys of glibc lie elsewhere; Python's is the first */
  u64 state = 0;
  u64 value = thread_pointer + python->tss_values + python->tss_key * 16 + 8;
  if (bpf_probe_read_user(&state, 8, (void *)value)) return -1;
  if (!state) return 0; /* no thread of the interpreter */
  return bpf_probe_read_user(frame, 8, (void *)(state + python->thread_frame)) ? -1 : 1;
}

/* The frame that the current thread runs in `frame`; 0 if it runs none. Not 0: it could not be read. */
static __always_inline int current_frame(struct unwinder *u, struct mp_python *python, u64 *frame) {
  *frame = 0;
  u64 thread_pointer = current_thread_pointer();
  if (!thread_pointer) return 0;
  if (!read_current_state(u, python, thread_pointer, frame)) {
    *frame = 0;
    int found = read_own_state(python, thread_pointer, frame);
    if (found <= 0) return found;
  }
  if (python->c_frame_frame == MP_PYTHON_NONE || !*frame) return 0;
  return bpf_probe_read_user(frame, 8, (void *)(*frame + python->c_frame_frame)) ? 1 : 0;
}

/* Appends the Python frames of the current thread to a native walk that is finished. */
static __always_inline void walk_python(struct unwinder *u) {
  u32 slot = u->slot;
  struct mp_python *python = bpf_map_lookup_elem(&pythons, &slot);
  if (!python) return;
  struct python_walk walk = {.u = u, .python = python};
  u->window_length = 0;
  walk.failed = current_frame(u, python, &walk.frame) != 0;
  if (!walk.failed) {
    bpf_loop(MP_MAX_FRAMES / FRAMES_PER_CALL + 1, take_frames, &walk, 0);
  }
  if (walk.failed || walk.frame) count(MP_COUNTER_PYTHON_INCOMPLETE);
}

#endif
