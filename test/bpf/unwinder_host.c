/* bpf/unwind.bpf.h built for the host: maps are arrays of the test, user memory is what the test says it is. */
#include "unwind.bpf.h"

#include "unwinder_host.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { CPUS = 2, CPU = 1, EFAULT = 14 };

/* Stale bytes of a window must not pass for stack: whatever a read did not fill holds this. */
static const u64 STALE_WORD = 0x5a5a5a5a5a5a5a5aULL;

struct host_machine host;
static struct unwinder host_unwinders[CPUS * MP_UNWINDERS_PER_CPU];
static u64 host_counters[MP_COUNTER_COUNT];

static void *element(const struct host_table *table, u32 index, size_t size_bytes) {
  host.table_lookups++;
  return index < table->count ? (char *)table->elements + index * size_bytes : NULL;
}

static int is_among(const struct host_table *tables, size_t count, const void *map) {
  return (const char *)map >= (const char *)tables && (const char *)map < (const char *)(tables + count);
}

void *bpf_map_lookup_elem(void *map, const void *key) {
  u32 index;
  memcpy(&index, key, sizeof(index));
  if (map == &unwinders)
    return index < sizeof(host_unwinders) / sizeof(host_unwinders[0]) ? &host_unwinders[index] : NULL;
  if (map == &counters) return index < MP_COUNTER_COUNT ? &host_counters[index] : NULL;
  if (map == &mappings) return index < HOST_SLOTS && host.mappings[index].elements ? &host.mappings[index] : NULL;
  if (map == &rows) return index < HOST_MODULES && host.rows[index].elements ? &host.rows[index] : NULL;
  if (is_among(host.mappings, HOST_SLOTS, map)) return element(map, index, sizeof(struct mp_mapping));
  assert(is_among(host.rows, HOST_MODULES, map));
  return element(map, index, sizeof(struct mp_unwind_row));
}

long bpf_probe_read_user(void *to, u32 size_bytes, const void *address) {
  for (struct unwinder *u = host_unwinders; u < host_unwinders + CPUS * MP_UNWINDERS_PER_CPU; u++) {
    if (to != u->window) continue;
    assert(size_bytes <= MP_STACK_WINDOW && size_bytes % 8 == 0);
    assert(((u64)address & 4095) + size_bytes <= 4096); /* a page that is absent must not hide one that is there */
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

u64 original_return_address(u64 slot) {
  for (u32 i = 0; i < host.return_probe_count; i++)
    if (host.return_probes[i].slot == slot) return host.return_probes[i].return_address;
  return 0;
}

void host_unwind(struct host_walk *walk) {
  struct mp_process process = {.stack_seed = walk->stack_seed, .generation = walk->generation};
  struct unwinder *u = acquire_unwinder(walk->slot, &process, walk->pc, walk->sp, walk->bp);
  walk->status = ~0u;
  walk->frame_count = 0;
  if (!u) return;
  u->watched_return_slot = walk->watched_return_slot;
  u->skip_frame = walk->skip_frame;
  unwind(u);
  walk->status = u->status;
  walk->watched_found = u->watched_found;
  walk->crossed_signal = u->crossed_signal;
  walk->hash = u->hash;
  walk->frame_count = u->event.frame_count;
  memcpy(walk->frames, u->frames, u->event.frame_count * sizeof(u64));
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

uint64_t *host_rule_cache(uint32_t *entry_count) {
  *entry_count = sizeof(rule_cache) / sizeof(rule_cache[0]);
  return &rule_cache[0].check;
}
