/* bpf/unwind.bpf.h, python.bpf.h, python_code.bpf.h, v8.bpf.h and emit.bpf.h built for the host: maps are arrays of the
 * test, user memory is what the test says it is. */
#include "emit.bpf.h"

#include "unwinder_host.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { CPUS = 2, CPU = 1, ENOENT = 2, EAGAIN = 11, EFAULT = 14 };

/* Stale bytes of a window must not pass for stack: whatever a read did not fill holds this. */
static const u64 STALE_WORD = 0x5a5a5a5a5a5a5a5aULL;

struct host_machine host;
static struct unwinder host_unwinders[CPUS * MP_UNWINDERS_PER_CPU];
/* The keys of the hash maps seen_stacks and seen_codes. */
static struct seen {
  const void *map;
  u64 key[2];
} host_seen[HOST_SEEN];
/* A walk of Python frames may read windows across the end of a page. */
static u8 walking_python;

static void *element(const struct host_table *table, u32 index, size_t size_bytes) {
  host.table_lookups++;
  return index < table->count ? (char *)table->elements + index * size_bytes : NULL;
}

static int is_among(const struct host_table *tables, size_t count, const void *map) {
  return (const char *)map >= (const char *)tables && (const char *)map < (const char *)(tables + count);
}

static struct seen key_of(const void *map, const void *key) {
  assert(map == &seen_stacks || map == &seen_codes);
  struct seen seen = {.map = map};
  memcpy(seen.key, key, map == &seen_codes ? sizeof(struct seen_code) : sizeof(u64));
  return seen;
}

static struct seen *find_seen(const void *map, const void *key) {
  const struct seen wanted = key_of(map, key);
  for (u32 i = 0; i < host.seen_count; i++)
    if (memcmp(&host_seen[i], &wanted, sizeof(wanted)) == 0) return &host_seen[i];
  return NULL;
}

void *bpf_map_lookup_elem(void *map, const void *key) {
  if (map == &seen_stacks || map == &seen_codes) return find_seen(map, key);
  u32 index;
  memcpy(&index, key, sizeof(index));
  if (map == &unwinders)
    return index < sizeof(host_unwinders) / sizeof(host_unwinders[0]) ? &host_unwinders[index] : NULL;
  if (map == &counters) return index < MP_COUNTER_COUNT ? &host.counters[index] : NULL;
  if (map == &processes) return index < HOST_SLOTS ? &host.processes[index] : NULL;
  if (map == &v8s) return index < HOST_SLOTS ? &host.v8s[index] : NULL;
  if (map == &pythons) return index < host.python_count ? &host.pythons[index] : NULL;
  if (map == &mappings) return index < HOST_SLOTS && host.mappings[index].elements ? &host.mappings[index] : NULL;
  if (map == &rows) return index < HOST_MODULES && host.rows[index].elements ? &host.rows[index] : NULL;
  if (is_among(host.mappings, HOST_SLOTS, map)) return element(map, index, sizeof(struct mp_mapping));
  assert(is_among(host.rows, HOST_MODULES, map));
  return element(map, index, sizeof(struct mp_unwind_row));
}

long bpf_map_update_elem(void *map, const void *key, const void *value, u64 flags) {
  assert(flags == BPF_ANY && *(const u8 *)value == 1);
  if (find_seen(map, key)) return 0;
  if (host.seen_count == HOST_SEEN) memmove(host_seen, host_seen + 1, --host.seen_count * sizeof(host_seen[0]));
  host_seen[host.seen_count++] = key_of(map, key);
  return 0;
}

long bpf_map_delete_elem(void *map, const void *key) {
  struct seen *seen = find_seen(map, key);
  if (!seen) return -ENOENT;
  *seen = host_seen[--host.seen_count];
  return 0;
}

long bpf_ringbuf_output(void *map, const void *event, u64 size_bytes, u64 flags) {
  assert(map == &ring && flags == BPF_RB_NO_WAKEUP);
  return host.output(host.ring, event, size_bytes) < 0 ? -EAGAIN : 0;
}

u64 bpf_ringbuf_query(void *map, u64 flags) {
  assert(map == &ring && flags == BPF_RB_PROD_POS);
  return 0;
}

void fill_header(struct mp_event *event, u32 kind, u32 allocator) {
  *event = (struct mp_event){
      .kind = kind, .allocator = allocator, .pid = HOST_PID, .tid = HOST_TID, .time_ns = HOST_TIME_NS};
}

long bpf_probe_read_user(void *to, u32 size_bytes, const void *address) {
  for (struct unwinder *u = host_unwinders; u < host_unwinders + CPUS * MP_UNWINDERS_PER_CPU; u++) {
    if (to != u->window) continue;
    assert(size_bytes <= MP_STACK_WINDOW);
    /* a page that is absent must not hide one that is there */
    assert(walking_python || (((u64)address & 4095) + size_bytes <= 4096 && size_bytes % 8 == 0));
    for (int i = 0; i < WINDOW_WORDS; i++) u->window[i] = STALE_WORD;
    host.reading_window = 1;
  }
  int failure = host.read(host.memory, to, size_bytes, (u64)address);
  host.reading_window = 0; /* the reference reads, too */
  if (!failure) return 0;
  memset(to, 0, size_bytes);
  return -EFAULT;
}

long bpf_loop(u32 turns, long (*step)(u32 index, void *context), void *context, u64 flags) {
  u32 i = 0;
  while (i < turns && step(i, context) == 0) i++;
  return i;
}

u32 bpf_get_smp_processor_id(void) {
  return CPU;
}

u64 trampoline_page(void) {
  return host.trampoline;
}

u64 current_thread_pointer(void) {
  return host.thread_pointer;
}

u64 original_return_address(u64 slot) {
  for (u32 i = 0; i < host.return_probe_count; i++)
    if (host.return_probes[i].slot == slot) return host.return_probes[i].return_address;
  return 0;
}

void host_unwind(struct host_walk *walk) {
  assert(walk->slot < HOST_SLOTS);
  struct mp_process process = {
      .stack_seed = walk->stack_seed, .generation = walk->generation, .flags = host.processes[walk->slot].flags};
  struct unwinder *u = acquire_unwinder(walk->slot, &process, walk->pc, walk->sp, walk->bp);
  walk->status = ~0u;
  walk->frame_count = 0;
  walk->python_count = 0;
  if (!u) return;
  u->watched_return_slot = walk->watched_return_slot;
  u->skip_frame = walk->skip_frame;
  unwind(u);
  if (walk->with_python) {
    walking_python = 1;
    walk_python(u);
    walking_python = 0;
  }
  walk->status = u->status;
  walk->watched_found = u->watched_found;
  walk->crossed_signal = u->crossed_signal;
  finish_hash(u, walk->stack_seed);
  walk->hash = u->hash;
  walk->frame_count = u->event.frame_count;
  walk->python_count = u->event.python_count;
  assert(walk->frame_count + walk->python_count <= MP_MAX_FRAMES);
  memcpy(walk->frames, u->frames, (walk->frame_count + walk->python_count) * sizeof(u64));
  if (host.output) emit_stack(u, walk->stack_seed);
  release_unwinder(u);
}

uint32_t host_occupy_unwinder(void) {
  return acquire_unwinder_index();
}

void host_release_unwinder(uint32_t number) {
  release_unwinder(&host_unwinders[number]);
}

uint32_t host_find_mapping(uint32_t slot, uint64_t pc) {
  struct mp_mapping *mapping = find_mapping(slot, pc);
  return mapping ? (u32)(mapping - (const struct mp_mapping *)host.mappings[slot].elements) : 0;
}

uint64_t host_search_rule(uint32_t slot, uint64_t pc) {
  return search_rule(slot, pc);
}

void host_forget_code(uint64_t code, uint64_t stack_seed) {
  forget_code(code, stack_seed);
}

uint16_t *host_code_generation(uint64_t code) {
  return &code_generations[code_slot(code)];
}

void host_forget_places(void) {
  memset(seen_places, 0, sizeof(seen_places));
}

uint64_t *host_rule_cache(uint32_t *entry_count) {
  *entry_count = sizeof(rule_cache) / sizeof(rule_cache[0]);
  return &rule_cache[0].check;
}
