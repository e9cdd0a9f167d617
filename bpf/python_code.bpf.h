/* What a Python code object says, sent before the first stack with it. */
#ifndef MP_PYTHON_CODE_BPF_H
#define MP_PYTHON_CODE_BPF_H

#include "python.bpf.h"

/* The seed goes with the address: another image of the process has other code there. */
struct seen_code {
  u64 code;
  u64 stack_seed;
};

/* Code objects that were sent. Forgetting one is harmless: it is sent again. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, MP_SEEN_PYTHON_CODES);
  __type(key, struct seen_code);
  __type(value, u8);
} seen_codes SEC(".maps");

#define STR_OBJECT_MIN 40 /* bytes of the header of a str object, see addon/python_code.cc */
#define BYTES_LENGTH 16   /* PyBytesObject: ob_size */
#define BYTES_DATA 32     /* PyBytesObject: ob_sval */

/* Copies a str object, or what of it lies before the end of its page. Returns the number of bytes. */
static __always_inline u32 copy_string(u8 *to, u64 field) {
  u64 object = 0;
  if (bpf_probe_read_user(&object, 8, (void *)field)) return 0;
  if (!bpf_probe_read_user(to, MP_PYTHON_MAX_STRING, (void *)object)) return MP_PYTHON_MAX_STRING;
  u32 length = 4096 - (object & 4095);
  if (length >= MP_PYTHON_MAX_STRING || length < STR_OBJECT_MIN) return 0;
  return bpf_probe_read_user(to, length, (void *)object) ? 0 : length;
}

/* Copies the bytes of a line table. Returns how many were copied, and in `length` how many there are. */
static __always_inline u32 copy_line_table(u8 *to, u64 field, u32 *length) {
  u64 object = 0, size = 0;
  *length = 0;
  if (bpf_probe_read_user(&object, 8, (void *)field)) return 0;
  if (bpf_probe_read_user(&size, 8, (void *)(object + BYTES_LENGTH))) return 0;
  u32 copied = size > MP_PYTHON_MAX_LINE_TABLE ? MP_PYTHON_MAX_LINE_TABLE : size;
  if (!copied || bpf_probe_read_user(to, copied, (void *)(object + BYTES_DATA))) return 0;
  *length = size > 0x7fffffff ? 0x7fffffff : size;
  return copied;
}

struct code_sender {
  struct unwinder *u;
  struct mp_python *python;
  u64 stack_seed;
};

static long send_code(u32 index, void *context) {
  struct code_sender *sender = context;
  struct unwinder *u = sender->u;
  struct mp_python *python = sender->python;
  u32 native = u->event.frame_count;
  if (index >= u->event.python_count) return 1;
  u64 code = MP_PYTHON_FRAME_CODE(u->frames[(native + index) & (MP_MAX_FRAMES - 1)]);
  struct seen_code key = {.code = code, .stack_seed = sender->stack_seed};
  if (bpf_map_lookup_elem(&seen_codes, &key)) return 0;

  struct mp_event_python_code *event = &u->code;
  fill_header(&event->event, MP_EVENT_PYTHON_CODE, 0);
  event->code = code;
  event->first_line = 0;
  bpf_probe_read_user(&event->first_line, 4, (void *)(code + python->code_first_line));
  event->name_length = copy_string(event->name, code + python->code_name);
  event->file_length = copy_string(event->file, code + python->code_file);
  u32 copied = copy_line_table(u->line_table, code + python->code_line_table, &event->line_table_length);
  if (copied > MP_PYTHON_MAX_LINE_TABLE) return 1;
  if (bpf_ringbuf_output(&ring, event, sizeof(*event) + copied, BPF_RB_NO_WAKEUP)) {
    count(MP_COUNTER_RING_DROPPED);
    u->code_dropped = 1;
    return 0;
  }
  u8 one = 1;
  bpf_map_update_elem(&seen_codes, &key, &one, BPF_ANY);
  return 0;
}

/* Sends what is new of the code objects of a walk; u->code_dropped says whether the ring had no room for one. */
static __always_inline void send_codes(struct unwinder *u, u64 stack_seed) {
  u32 slot = u->slot;
  struct code_sender sender = {.u = u, .python = bpf_map_lookup_elem(&pythons, &slot), .stack_seed = stack_seed};
  if (sender.python) bpf_loop(MP_MAX_FRAMES, send_code, &sender, 0);
}

/* A code object is about to be freed. If it is not among the seen ones, it can have been forgotten: stacks that were
 * sent with it must not pass for those of the next one all the same. */
static __always_inline void forget_code(u64 code, u64 stack_seed) {
  struct seen_code key = {.code = code, .stack_seed = stack_seed};
  bpf_map_delete_elem(&seen_codes, &key);
  code_generations[code_slot(code)]++;
}

#endif
