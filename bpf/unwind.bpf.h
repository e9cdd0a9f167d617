/*
 * The unwinder: from registers to return addresses, with tables made of .eh_frame.
 *
 * A step looks up the rule of the current pc, computes the canonical frame address (CFA: the stack pointer before the
 * call), reads the return address at CFA - 8 and, where the rule says so, the caller's rbp:
 *
 *     pc 0x401156 in main   rule: CFA = rsp + 32, rbp at CFA - 16
 *       CFA - 8   return address   -> next pc
 *       CFA - 16  saved rbp        -> next rbp
 *       CFA                        -> next rsp
 *
 * What makes it fast: the stack is copied in windows of up to 2 KiB, since a read of user memory costs 150 ns whatever
 * its size; and rules are cached by pc. What makes it simple to verify: all state lives in a map value, and every step
 * is one call of a bpf_loop callback.
 */
#ifndef MP_UNWIND_BPF_H
#define MP_UNWIND_BPF_H

#include "maps.bpf.h"
#include "stack_hash.h"

#define WINDOW_WORDS (MP_STACK_WINDOW / 8)
#define MAX_RETURN_INSTANCES 16

struct unwinder {
  u32 busy;
  u32 slot;
  u32 generation;
  u32 status;
  u64 pc; /* a return address: the rule is that of pc - 1 */
  u64 sp;
  u64 bp;
  u64 hash;
  u64 trampoline;          /* page where return probes land, 0: no return probe pending in this thread */
  u64 watched_return_slot; /* in: where an outer call's return address lies; 0: none */
  u8 watched_found;        /* out: the outer call is on the stack … */
  u8 crossed_signal;       /* … and this is a signal handler that interrupted it */
  u8 skip_frame;           /* the current frame is the allocator itself: step over it unrecorded */
  u8 code_dropped;         /* something that belongs to the stack could not be sent */
  u8 has_javascript;
  u8 is_private; /* a frame is in no module: what its address means is known in this process alone */
  u8 pad[2];
  u64 place; /* of the current frame, mp_hash_place(); 0: it is in no module */
  u64 window_base;
  u64 window_length;
  u64 window[WINDOW_WORDS];
  struct mp_event_stack event; /* sent together with the frames behind it */
  u64 frames[MP_MAX_FRAMES];
  struct mp_event_python_code code; /* sent together with the line table behind it */
  u8 line_table[MP_PYTHON_MAX_LINE_TABLE];
  u32 v8_count;
  u32 v8_pad;
  u64 v8_frames[MP_MAX_V8_FRAMES]; /* V8_FRAME */
  struct mp_event_v8_places v8;    /* sent together with v8_places */
  struct mp_v8_place v8_places[MP_MAX_V8_FRAMES];
};

/* A frame that may be JavaScript's: frame pointer, index in the stack. */
#define V8_FRAME(pointer, index) ((pointer) | (u64)(index) << 48)
#define V8_FRAME_POINTER(frame) ((frame)&0xffffffffffffUL)
#define V8_FRAME_INDEX(frame) ((frame) >> 48)

#define V8_HEAP_TAG 1 /* in the address of an object; src/common/globals.h */
#define V8_TAG_MASK 3

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, MP_UNWINDERS_PER_CPU); /* times the number of CPUs, set before loading */
  __type(key, u32);
  __type(value, struct unwinder);
} unwinders SEC(".maps");

/* pc -> rule and place. Words can't be written at once, so the first one is key ^ rule ^ place: a torn entry fits no
 * key. */
struct rule_cache_entry {
  u64 check;
  u64 rule;
  u64 place;
  u64 pad;
};

static struct rule_cache_entry rule_cache[1 << MP_RULE_CACHE_BITS];

/* The mapping that holds pc, or NULL. */
static __noinline struct mp_mapping *find_mapping(u32 slot, u64 pc) {
  void *table = bpf_map_lookup_elem(&mappings, &slot);
  if (!table) return NULL;
  u32 key = 0;
  struct mp_mapping *head = bpf_map_lookup_elem(table, &key);
  if (!head) return NULL;
  u64 where = head->start;
  const u32 begin = where >> 32;
  u32 low = begin + 1, high = low + (u32)where; /* the first mapping that begins behind pc */
  for (int i = 0; i < 16 && low < high; i++) {
    key = (low + high) / 2;
    struct mp_mapping *mapping = bpf_map_lookup_elem(table, &key);
    if (!mapping) return NULL;
    if (mapping->start <= pc)
      low = key + 1;
    else
      high = key;
  }
  key = low - 1;
  if (key == begin) return NULL;
  struct mp_mapping *mapping = bpf_map_lookup_elem(table, &key);
  return mapping && pc < mapping->end ? mapping : NULL;
}

/* The rule of a pc by binary search, with MP_CFA_NONE the reason in the upper half. A global function of scalars: the
 * verifier checks it once, not at every place that can reach it. */
__noinline u64 search_rule(u32 slot, u64 pc) {
  struct mp_mapping *mapping = find_mapping(slot, pc);
  if (!mapping) {
    struct mp_process *process = bpf_map_lookup_elem(&processes, &slot);
    return process && process->flags & MP_PROCESS_V8 ? MP_RULE_JIT : (u64)MP_STACK_NO_MAPPING << 32;
  }
  u32 module = mapping->module;
  if (module == MP_NO_MODULE) return MP_RULE_JIT;
  const u64 no_rule = (u64)MP_STACK_NO_RULE << 32;
  void *table = bpf_map_lookup_elem(&rows, &module);
  if (!table) return no_rule;
  u32 offset = pc - mapping->bias, low = 0, high = mapping->row_count, key;
  for (int i = 0; i < 24 && low < high; i++) {
    key = (low + high) / 2;
    struct mp_unwind_row *row = bpf_map_lookup_elem(table, &key);
    if (!row) return no_rule;
    if (row->pc <= offset)
      low = key + 1;
    else
      high = key;
  }
  if (low == 0) return no_rule;
  key = low - 1;
  struct mp_unwind_row *row = bpf_map_lookup_elem(table, &key);
  return row && row->rule != MP_CFA_NONE ? row->rule : no_rule;
}

/* What stands for a pc in hashes of stacks; 0: it is in no module. */
__noinline u64 search_place(u32 slot, u64 pc) {
  struct mp_mapping *mapping = find_mapping(slot, pc);
  return mapping && mapping->module != MP_NO_MODULE ? mp_hash_place(mapping->module, pc - mapping->bias) : 0;
}

/* Sets u->place, too. */
static __always_inline u32 find_rule(struct unwinder *u, u64 pc) {
  u->place = 0;
  if (pc >> 48) { /* no address of user code: the upper bits hold the generation */
    u->status = MP_STACK_NO_MAPPING;
    return MP_CFA_NONE;
  }
  u64 key = pc | (u64)u->generation << 48;
  /* Processes that run the same program often have the same addresses: each has its own places. */
  u32 index = ((u32)(pc ^ pc >> 16) ^ u->generation * 0x9E37) & ((1 << MP_RULE_CACHE_BITS) - 1);
  struct rule_cache_entry *entry = &rule_cache[index];
  u64 rule = entry->rule, place = entry->place;
  if ((entry->check ^ rule ^ place) == key) {
    u->place = place;
    return rule;
  }
  rule = search_rule(u->slot, pc);
  if ((u32)rule == MP_CFA_NONE) {
    u->status = rule >> 32;
    return MP_CFA_NONE;
  }
  u->place = place = search_place(u->slot, pc);
  entry->check = key ^ rule ^ place;
  entry->rule = rule;
  entry->place = place;
  return rule;
}

/* Reads one word of the stack through the window. A refill begins at `lowest`, the lowest address that the current
 * step needs, and ends with its page. */
static __always_inline int read_word(struct unwinder *u, u64 address, u64 lowest, u64 *word) {
  u64 offset = address - u->window_base;
  if (offset + 8 > u->window_length || offset > MP_STACK_WINDOW) {
    u32 length = (4096 - (lowest & 4095)) & ~7u;
    if (length > MP_STACK_WINDOW) length = MP_STACK_WINDOW;
    if (length < 8 || bpf_probe_read_user(u->window, length, (void *)lowest)) {
      u->window_length = 0;
      return bpf_probe_read_user(word, 8, (void *)address);
    }
    u->window_base = lowest;
    u->window_length = length;
    offset = address - lowest;
    if (offset > MP_STACK_WINDOW || offset + 8 > length) return bpf_probe_read_user(word, 8, (void *)address);
  }
  if (offset & 7) return bpf_probe_read_user(word, 8, (void *)address);
  *word = u->window[offset / 8 & (WINDOW_WORDS - 1)];
  return 0;
}

#ifndef MP_HOST
/* A return probe has replaced the return address at `slot` by its trampoline; the kernel keeps the original. */
__noinline u64 original_return_address(u64 slot) {
  struct task_struct *task = bpf_get_current_task_btf();
  struct uprobe_task *utask = task->utask;
  if (!utask) return 0;
  struct return_instance *instance = utask->return_instances;
  for (int i = 0; i < MAX_RETURN_INSTANCES && instance; i++) {
    if (instance->stack == slot && !instance->chained) return instance->orig_ret_vaddr;
    instance = instance->next;
  }
  return 0;
}

/* What the fs register points to: glibc's struct pthread. */
static __always_inline u64 current_thread_pointer(void) {
  struct task_struct *task = bpf_get_current_task_btf();
  return task->thread.fsbase;
}

/* Where return probes of this thread land, 0 if none is pending. */
static __always_inline u64 trampoline_page(void) {
  struct task_struct *task = bpf_get_current_task_btf();
  struct uprobe_task *utask = task->utask;
  if (!utask || !utask->return_instances) return 0;
  struct mm_struct *mm = task->mm;
  struct xol_area *area = mm ? mm->uprobes_state.xol_area : NULL;
  return area ? area->vaddr & ~4095UL : 0;
}
#endif

/* rt_sigframe at rsp: ucontext behind the return address, gregs at +40 of it; rbp, rsp and rip are no. 10, 15, 16
 * (arch/x86/include/asm/sigframe.h, sys/ucontext.h). */
static __always_inline int step_over_signal_frame(struct unwinder *u) {
  u64 gregs[7];
  if (bpf_probe_read_user(gregs, sizeof(gregs), (void *)(u->sp + 40 + 10 * 8))) return -1;
  u->bp = gregs[0];
  u->sp = gregs[5];
  u->pc = gregs[6] + 1; /* not a return address: undo the - 1 of the look-up */
  u->crossed_signal |= !u->watched_found;
  return 0;
}

static __always_inline void hash_word(struct unwinder *u, u64 word) {
  u->hash = mp_hash_word(u->hash, word);
}

/* The current frame, whose rule was looked up. */
static __always_inline void hash_native_frame(struct unwinder *u) {
  u->is_private |= !u->place;
  hash_word(u, u->place ? u->place : u->pc);
}

static __always_inline int is_v8_object(u64 word) {
  return (word & V8_TAG_MASK) == V8_HEAP_TAG && !(word >> 47);
}

static __always_inline u64 interpreted_place(u64 array, u64 offset) {
  if (!is_v8_object(array)) array = 0;
  /* a Smi */
  return MP_V8_INTERPRETED(array, (u32)offset || offset >> 32 > MP_V8_NO_OFFSET ? MP_V8_NO_OFFSET : offset >> 32);
}

/* The current frame may be one of JavaScript. The return address says where machine code is; the interpreter's says
 * nothing, what it interprets does. */
static __always_inline void take_v8_frame(struct unwinder *u, u32 is_interpreted) {
  u32 n = u->v8_count, index = u->event.frame_count - 1;
  if (n >= MP_MAX_V8_FRAMES || u->bp >> 48 || !u->event.frame_count) return; /* or the allocator's own frame */
  u64 context = 0, lowest = u->bp + (is_interpreted ? MP_V8_BYTE_CODE_OFFSET : MP_V8_CONTEXT);
  read_word(u, u->bp + MP_V8_CONTEXT, lowest, &context);
  if (!is_v8_object(context)) return;
  u->v8_frames[n & (MP_MAX_V8_FRAMES - 1)] = V8_FRAME(u->bp, index);
  u->v8_count = n + 1;
  if (!is_interpreted) return;
  u64 array = 0, offset = 0;
  read_word(u, lowest, lowest, &offset);
  read_word(u, u->bp + MP_V8_BYTE_CODE_ARRAY, lowest, &array);
  u64 place = interpreted_place(array, offset);
  u->frames[index & (MP_MAX_FRAMES - 1)] = place;
  hash_word(u, place);
}

/* Computes the caller's registers. Returns 0 to go on, 1 when the walk is over (status says how). */
static __always_inline int step(struct unwinder *u, u32 is_recorded) {
  u32 rule = find_rule(u, u->pc - 1);
  if (is_recorded) hash_native_frame(u);
  u32 kind = rule & 7, rbp_slot = rule >> 3 & 127;
  s64 offset = (s32)rule >> 10;
  u64 cfa, return_address = 0, rbp = u->bp;

  switch (kind) {
    case MP_CFA_RSP:
      cfa = u->sp + offset;
      break;
    case MP_CFA_RBP:
      if (!u->bp) goto complete; /* psABI: rbp is 0 in the outermost frame; _dl_start_user has no unwind rows */
      cfa = u->bp + offset;
      break;
    case MP_CFA_PLT:
      cfa = u->sp + 8 + (((u->pc - 1) & 15) >= 11 ? 8 : 0);
      break;
    case MP_CFA_DEREF:
      if (bpf_probe_read_user(&cfa, 8, (void *)(u->bp + offset))) goto fault;
      break;
    case MP_CFA_JIT:
      if (!u->bp) goto complete;
      if (u->has_javascript) take_v8_frame(u, offset);
      cfa = u->bp + 16;
      break;
    case MP_CFA_SIGNAL:
      if (step_over_signal_frame(u)) goto fault;
      return 0;
    case MP_CFA_END:
      goto complete;
    default:
      return 1; /* status was set by find_rule */
  }
  if (cfa <= u->sp) {
    u->status = MP_STACK_NOT_GROWING;
    return 1;
  }

  u64 lowest = cfa - 8;
  if (rbp_slot && rbp_slot < MP_RBP_AT_RBP) {
    lowest = cfa - 8UL * rbp_slot;
    if (lowest < u->sp) lowest = u->sp;
    if (read_word(u, cfa - 8UL * rbp_slot, lowest, &rbp)) goto fault;
  } else if (rbp_slot == MP_RBP_AT_RBP && bpf_probe_read_user(&rbp, 8, (void *)u->bp)) {
    goto fault;
  }
  if (read_word(u, cfa - 8, lowest, &return_address)) goto fault;
  if (u->trampoline && (return_address & ~4095UL) == u->trampoline) {
    if (u->watched_return_slot == cfa - 8) u->watched_found = 1;
    return_address = original_return_address(cfa - 8);
  }
  u->bp = rbp;
  u->sp = cfa;
  u->pc = return_address;
  if (!return_address) goto complete;
  return 0;

complete:
  u->status = MP_STACK_COMPLETE;
  return 1;
fault:
  u->status = MP_STACK_READ_FAULT;
  return 1;
}

static long unwind_one(u32 index, void *context) {
  struct unwinder *u = *(struct unwinder **)context;
  u32 n = u->event.frame_count, is_recorded = !u->skip_frame;
  if (!is_recorded) {
    u->skip_frame = 0;
  } else if (n >= MP_MAX_FRAMES) {
    u->status = MP_STACK_TRUNCATED;
    return 1;
  } else {
    u->frames[n & (MP_MAX_FRAMES - 1)] = u->pc;
    u->event.frame_count = n + 1;
  }
  return step(u, is_recorded);
}

/* Walks from u->{pc, sp, bp} to the root. */
static __always_inline void unwind(struct unwinder *u) {
  bpf_loop(MP_MAX_FRAMES + 2, unwind_one, &u, 0);
}

/* Enough to see whether the allocator itself is the caller. */
#define CALLER_FRAMES 16

/* Only the first of them; what is left out is not missing. */
static __always_inline void unwind_caller(struct unwinder *u) {
  bpf_loop(CALLER_FRAMES, unwind_one, &u, 0);
  if (u->status == MP_STACK_TRUNCATED) u->status = MP_STACK_COMPLETE;
}

static __noinline u32 acquire_unwinder_index(void) {
  u32 first = bpf_get_smp_processor_id() * MP_UNWINDERS_PER_CPU;
  for (u32 i = 0; i < MP_UNWINDERS_PER_CPU; i++) {
    u32 key = first + i;
    struct unwinder *u = bpf_map_lookup_elem(&unwinders, &key);
    if (u && __sync_lock_test_and_set(&u->busy, 1) == 0) return key;
  }
  return ~0u;
}

/* A free unwinder of this CPU, reset for a walk that begins at the given registers; NULL if all are in use. */
static __always_inline struct unwinder *acquire_unwinder(u32 slot, struct mp_process *process, u64 pc, u64 sp, u64 bp) {
  u32 key = acquire_unwinder_index();
  struct unwinder *u = bpf_map_lookup_elem(&unwinders, &key);
  if (!u) return NULL;
  u->slot = slot;
  u->generation = process->generation & 0xffff;
  u->status = MP_STACK_TRUNCATED;
  u->pc = pc;
  u->sp = sp;
  u->bp = bp;
  u->hash = 0;
  u->is_private = 0;
  u->trampoline = trampoline_page();
  u->watched_return_slot = 0;
  u->watched_found = 0;
  u->crossed_signal = 0;
  u->skip_frame = 0;
  u->code_dropped = 0;
  u->window_length = 0;
  u->event.frame_count = 0;
  u->event.python_count = 0;
  u->has_javascript = !!(process->flags & MP_PROCESS_JAVASCRIPT);
  u->v8_count = 0;
  u->event.begun = 0;
  u->event.ended = 0;
  return u;
}

static __always_inline void release_unwinder(struct unwinder *u) {
  __sync_lock_test_and_set(&u->busy, 0);
}

#endif
