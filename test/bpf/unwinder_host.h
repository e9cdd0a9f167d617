// The unwinder of bpf/unwind.bpf.h, the walker of Python frames and the copying of JavaScript frames with C linkage,
// and what their helpers see: tables, memory, return probes, the interpreter, the ring.
#pragma once

#include <stdint.h>

#include "../../bpf/mp.h"

#ifdef __cplusplus
extern "C" {
#endif

// What the unwinder runs against. Arrays are the caller's; an index behind their end gives NULL, as in the kernel.
struct host_table {
  const void *elements;  // NULL: no such map
  uint32_t count;
};

struct host_return_probe {
  uint64_t slot;
  uint64_t return_address;
};

enum {
  HOST_SLOTS = 4,
  HOST_MODULES = 64,
  HOST_SEEN = 2 * MP_MAX_FRAMES,  // what can be remembered to have been sent; then one is forgotten, as in an LRU map
};

struct host_machine {
  struct host_table mappings[HOST_SLOTS];  // struct mp_mapping; element 0 holds their number in `start`
  struct host_table rows[HOST_MODULES];    // struct mp_unwind_row
  // 0, or -1 if a byte cannot be read
  int (*read)(void *memory, void *to, uint32_t size_bytes, uint64_t address);
  void *memory;
  uint8_t reading_window;  // out, for `read`: it fills a window, of which not every byte may be needed
  uint64_t trampoline;
  const struct host_return_probe *return_probes;
  uint32_t return_probe_count;
  uint64_t table_lookups;  // out: elements of `mappings` and `rows` that were looked up

  struct mp_process processes[HOST_SLOTS];  // `flags` of them; the rest is in struct host_walk
  struct mp_v8 v8s[HOST_SLOTS];

  struct mp_python *pythons;  // by slot; the walk writes the key that it found into them
  uint32_t python_count;
  uint64_t thread_pointer;
  // Takes an event of the ring: 0, or less if it is full. NULL: nothing is sent.
  long (*output)(void *ring, const void *event, uint64_t size_bytes);
  void *ring;
  uint32_t seen_count;  // stacks and code objects that are known to have been sent
  uint64_t counters[MP_COUNTER_COUNT];
};

// What the header of every event says.
enum { HOST_PID = 1000, HOST_TID = 1001, HOST_TIME_NS = 77 };

extern struct host_machine host;

struct host_walk {
  // in
  uint32_t slot, generation, stack_seed;
  uint64_t pc, sp, bp;
  uint64_t watched_return_slot;
  uint8_t skip_frame;
  uint8_t with_python;  // append the Python frames, then send the stack
  // out
  uint8_t watched_found, crossed_signal;
  uint32_t status;  // enum mp_stack_status; ~0: no unwinder was free
  uint32_t frame_count;
  uint32_t python_count;
  uint64_t hash;
  uint64_t frames[MP_MAX_FRAMES];  // return addresses, then Python frames
};

void host_unwind(struct host_walk *walk);
// Takes an unwinder of this CPU without walking; its number, ~0 if there is none.
uint32_t host_occupy_unwinder(void);
void host_release_unwinder(uint32_t number);

// Index in the table of mappings; 0: none.
uint32_t host_find_mapping(uint32_t slot, uint64_t pc);
uint64_t host_search_rule(uint32_t slot, uint64_t pc);

// The code object was freed.
void host_forget_code(uint64_t code, uint64_t stack_seed);
// Counts the code objects that were freed at this address.
uint16_t *host_code_generation(uint64_t code);

// No place in JavaScript is known to have been sent.
void host_forget_places(void);

// The cache of pc -> rule as it is.
#define HOST_RULE_CACHE_WORDS 4 /* of an entry: check, rule, place, padding */
uint64_t *host_rule_cache(uint32_t *entry_count);

#ifdef __cplusplus
}
#endif
