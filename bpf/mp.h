/*
 * The contract between the BPF programs, the addon and TypeScript. It exists once, here.
 *
 * Who writes, who reads.  BPF programs write events into one ring buffer; addon/decode.cc reads them, in the order in
 * which they were reserved, which is the one global order of everything that happened. decode.cc turns them into
 * fixed-size records (MP_RECORD_*) in a buffer that TypeScript reads as a Uint32Array. scripts/gen-abi.ts turns the
 * X-lists below into src/model/abi.gen.ts; `make check` fails when the two differ.
 *
 * One call of an allocator.  An allocation is reported when the function has returned, because only then is its address
 * known; a free is reported at its entry, because afterwards another thread may be given the address. realloc does
 * both: RELEASE at entry ("this block may be reused from now on"), then ALLOCATE at return, or, if it failed, CANCEL.
 * munmap, mmap and mremap are reported behind their system call, where arguments and result stand in registers at once.
 *
 * Stacks.  An event carries a 64-bit hash of its frames (stack_hash.h). The return addresses themselves are sent once,
 * as a STACK event that precedes the first event with that hash; if BPF forgets that it sent them, they are sent again.
 * The same goes for what its Python frames (PYTHON_CODE) and JavaScript frames (V8_PLACES) stand for.
 *
 * Losses.  What could not be put into the ring or not be unwound is counted in the counters map (MP_COUNTERS); nothing
 * is dropped without being counted.
 *
 * Extending.  X-lists are append-only: ids are stable because captures store names, not ids, but tools may hold both.
 * Every structure is fixed-width, padded by hand and guarded by an assertion on its size.
 */
#ifndef MP_H
#define MP_H

#ifndef __bpf__
#include <stdint.h>
typedef uint8_t __mp_u8;
typedef uint16_t __mp_u16;
typedef uint32_t __mp_u32;
typedef uint64_t __mp_u64;
#else
typedef unsigned char __mp_u8;
typedef unsigned short __mp_u16;
typedef unsigned int __mp_u32;
typedef unsigned long long __mp_u64;
#endif

#ifdef __cplusplus
#define MP_ASSERT_SIZE(type, bytes) static_assert(sizeof(type) == (bytes), "layout of " #type)
#else
#define MP_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "layout of " #type)
#endif

/* ---- Allocators: X(id, NAME, "public name", KIND) ------------------------------------------------------------------
 * KIND: SIMPLE gives one block, FREE takes one block, RANGED works on address ranges, SAMPLED gives many that are not
 * told apart (see v8_sample.bpf.h): these are never live nor freed, and a part of no sum but their own. `allocator`
 * columns of a capture hold the public name; a renamed function (je_malloc, mi_malloc) has that of the one that it
 * stands for, and one of Rust's the name before it is mangled. */
#define MP_ALLOCATORS(X)                              \
  X(1, MALLOC, "malloc", SIMPLE)                      \
  X(2, CALLOC, "calloc", SIMPLE)                      \
  X(3, REALLOC, "realloc", SIMPLE)                    \
  X(4, REALLOCARRAY, "reallocarray", SIMPLE)          \
  X(5, POSIX_MEMALIGN, "posix_memalign", SIMPLE)      \
  X(6, ALIGNED_ALLOC, "aligned_alloc", SIMPLE)        \
  X(7, MEMALIGN, "memalign", SIMPLE)                  \
  X(8, VALLOC, "valloc", SIMPLE)                      \
  X(9, PVALLOC, "pvalloc", SIMPLE)                    \
  X(10, MMAP, "mmap", RANGED)                         \
  X(11, MREMAP, "mremap", RANGED)                     \
  X(12, PYMALLOC_MALLOC, "pymalloc_malloc", SIMPLE)   \
  X(13, PYMALLOC_CALLOC, "pymalloc_calloc", SIMPLE)   \
  X(14, PYMALLOC_REALLOC, "pymalloc_realloc", SIMPLE) \
  X(15, OPERATOR_NEW, "operator new", SIMPLE)         \
  X(16, OPERATOR_NEW_ARRAY, "operator new[]", SIMPLE) \
  X(17, MALLOCX, "mallocx", SIMPLE)                   \
  X(18, RALLOCX, "rallocx", SIMPLE)                   \
  X(19, XALLOCX, "xallocx", SIMPLE)                   \
  X(20, REALLOCF, "reallocf", SIMPLE)                 \
  X(21, V8_SAMPLE, "v8_sample", SAMPLED)              \
  X(22, RUST_ALLOC, "__rust_alloc", SIMPLE)           \
  X(23, RUST_ZEROED, "__rust_alloc_zeroed", SIMPLE)   \
  X(24, RUST_REALLOC, "__rust_realloc", SIMPLE)       \
  X(32, FREE, "free", FREE)                           \
  X(33, CFREE, "cfree", FREE)                         \
  X(34, MUNMAP, "munmap", RANGED)                     \
  X(35, PYMALLOC_FREE, "pymalloc_free", FREE)

enum mp_allocator {
  MP_ALLOCATOR_NONE = 0,
#define X(id, NAME, name, kind) MP_ALLOCATOR_##NAME = id,
  MP_ALLOCATORS(X)
#undef X
};

/* ---- Attach cookies of allocator functions: enum mp_allocator | enum mp_signature << 8 | MP_COOKIE_* ------------- */
enum mp_signature {
  MP_SIGNATURE_SIZE = 0,            /* (size, ...): malloc */
  MP_SIGNATURE_SECOND_SIZE = 1,     /* (alignment, size): aligned_alloc */
  MP_SIGNATURE_PRODUCT = 2,         /* (count, size): calloc */
  MP_SIGNATURE_REALLOC = 3,         /* (block, size, ...): realloc */
  MP_SIGNATURE_REALLOC_PRODUCT = 4, /* (block, count, size): reallocarray */
  MP_SIGNATURE_STORED = 5,         /* (where the address is stored, alignment, size), an error number: posix_memalign */
  MP_SIGNATURE_RESIZE = 6,         /* (block, size, ...) in place, the size that it has then: xallocx */
  MP_SIGNATURE_MAPPING = 7,        /* mmap, munmap, mremap */
  MP_SIGNATURE_REALLOC_FOURTH = 8, /* (block, old size, alignment, size): __rust_realloc */
};

enum {
  MP_COOKIE_CONTEXT = 1 << 12, /* another argument comes before these */
  MP_COOKIE_THROWS = 1 << 13,  /* fails with an exception, which can't pass a return probe */
  MP_COOKIE_FREES = 1 << 14,   /* frees the block also if it fails: reallocf */
  MP_COOKIE_MOVED = 1 << 15,   /* MP_COOKIE_REGISTER says in which registers the arguments are at the probe */
};

#define MP_COOKIE_REGISTER(argument, number) ((__mp_u32)(number) << (16 + 4 * (argument)))

#define MP_COOKIE(allocator, signature) ((__mp_u32)(allocator) | (__mp_u32)(signature) << 8)
#define MP_COOKIE_ALLOCATOR(cookie) ((cookie)&0xff)
#define MP_COOKIE_SIGNATURE(cookie) ((cookie) >> 8 & 15)

/* ---- Events in the ring: X(id, NAME, meaning) ------------------------------------------------------------------- */
#define MP_EVENTS(X)                                                                                        \
  X(1, ALLOCATE, "an allocator returned `address`")                                                         \
  X(2, FREE, "`address` is about to be freed")                                                              \
  X(3, RELEASE, "realloc was entered with `address`: it may be reused, but counts until COMMIT or CANCEL")  \
  X(4, COMMIT, "the release pending in this thread took effect and nothing was allocated (realloc(p, 0))")  \
  X(5, CANCEL, "the release pending in this thread did not happen: the block stays live")                   \
  X(6, UNMAP, "munmap of [address, address + size) succeeded")                                              \
  X(7, REMAP, "mremap moved or resized [old_address, old_address + old_size) to [address, address + size)") \
  X(8, STACK, "the frames behind a stack hash")                                                             \
  X(9, THREAD, "first event of a thread, or a new name of a known one")                                     \
  X(10, EXEC, "a traced process replaced its image")                                                        \
  X(11, EXIT, "a traced process ended")                                                                     \
  X(12, MAPPINGS, "the dynamic linker of a traced process added or removed modules, or see v8_life()")      \
  X(13, THREAD_EXIT, "a thread of a traced process ended")                                                  \
  X(14, PYTHON_CODE, "what a Python code object says, before the first stack with it")                      \
  X(15, V8_PLACES, "the functions of places in JavaScript, before the first stack with them")               \
  X(16, FORK, "a traced process that is followed made a child; `code` is its pid")                          \
  X(17, SELF_STOP, "a traced process stops itself because a child of it was held")                          \
  X(18, SAMPLE, "the thread has allocated `size` bytes of a SAMPLED allocator since its last sample")

enum mp_event_kind {
#define X(id, NAME, meaning) MP_EVENT_##NAME = id,
  MP_EVENTS(X)
#undef X
};

/* ---- How the unwinding of a stack ended: X(id, NAME, meaning) --------------------------------------------------- */
#define MP_STACK_STATUSES(X)                                      \
  X(0, COMPLETE, "reached the outermost frame")                   \
  X(1, TRUNCATED, "deeper than MP_MAX_FRAMES")                    \
  X(2, NO_MAPPING, "a return address outside every known module") \
  X(3, NO_RULE, "a return address without unwind information")    \
  X(4, READ_FAULT, "stack memory that could not be read")         \
  X(5, NOT_GROWING, "a frame that does not lie above its callee") \
  X(6, UNWINDER_BUSY, "no unwinder state free on this CPU")

enum mp_stack_status {
#define X(id, NAME, meaning) MP_STACK_##NAME = id,
  MP_STACK_STATUSES(X)
#undef X
};

/* ---- Counters kept by BPF, one 64-bit number per CPU each: X(id, NAME, "loss kind", meaning) --------------------- */
#define MP_COUNTERS(X)                                                                                              \
  X(0, RING_DROPPED, "ring_dropped", "events lost because the ring buffer was full")                                \
  X(1, UNWINDER_BUSY, "unwinder_busy", "allocations recorded without a stack: all unwinder states of a CPU in use") \
  X(2, INFLIGHT_OVERFLOW, "inflight_overflow", "calls not recorded: nested deeper than MP_MAX_INFLIGHT")            \
  X(3, THREAD_STATE, "thread_state", "calls not recorded: no memory for the state of a thread")                     \
  X(4, PYTHON_INCOMPLETE, "python_incomplete", "stacks whose Python frames could not be read to the end")           \
  X(5, ALLOCATIONS_DROPPED, "allocations_dropped", "allocations among the events of ring_dropped")                  \
  X(6, FREES_DROPPED, "frees_dropped", "frees among the events of ring_dropped")                                    \
  X(7, CHILD_LOST, "child_lost", "children that could not be followed: no room in the ring, or too many processes") \
  X(8, NEW_UNSEEN, "new_unseen", "calls of operator new not recorded: memory was too short to rule out an exception")

enum mp_counter {
#define X(id, NAME, loss, meaning) MP_COUNTER_##NAME = id,
  MP_COUNTERS(X)
#undef X
      MP_COUNTER_COUNT
};

/* ---- Limits ------------------------------------------------------------------------------------------------------ */
enum {
  MP_MAX_FRAMES = 4096,     /* return addresses per stack */
  MP_MAX_INFLIGHT = 8,      /* allocator calls one thread can be inside of at once (signal handlers nest) */
  MP_MAX_PROCESSES = 1024,  /* traced processes at one time */
  MP_MAX_MODULES = 16384,   /* modules with unwind rows */
  MP_COMM_LENGTH = 16,      /* TASK_COMM_LEN */
  MP_STACK_WINDOW = 2048,   /* bytes of user stack copied at once */
  MP_RULE_CACHE_BITS = 15,  /* log2 of the entries of the pc -> rule cache */
  MP_UNWINDERS_PER_CPU = 4, /* a probe can be preempted by another one on its CPU */
  MP_SEEN_STACKS = 131072,  /* stacks that BPF remembers to have sent */

  MP_SEEN_PYTHON_CODES = 65536,    /* Python code objects that BPF remembers to have sent */
  MP_PYTHON_MAX_STRING = 512,      /* bytes copied of a str object, its header included */
  MP_PYTHON_MAX_LINE_TABLE = 8192, /* bytes copied of a line table */
  MP_PYTHON_MAX_FRAME = 128,       /* bytes of a frame object */

  MP_MAX_V8_FRAMES = 512,      /* JavaScript frames per stack, the innermost ones */
  MP_SEEN_V8_PLACES_BITS = 17, /* log2 of the places in JavaScript that BPF remembers to have sent */
  MP_V8_SAMPLE_BYTES = 32768,  /* of V8's heap for which a sample stands, at least */
  MP_V8_LARGE_OBJECT = 1,      /* cookie of v8_sample(), which is an even offset else */
};

/* Flags of an ALLOCATE event. */
enum {
  MP_FLAG_COMMITS_RELEASE = 1, /* realloc succeeded: the release pending in this thread took effect first */
  MP_FLAG_MAP_FIXED = 2,       /* mmap with MAP_FIXED: what the range held before is gone */
};

/* Flags of a STACK event. */
enum {
  MP_FLAG_JAVASCRIPT = 1, /* it has frames that may be JavaScript's: `begun` and `ended` say when */
};

/* Flags of an EXEC, MAPPINGS, FORK, SELF_STOP event. */
enum {
  MP_FLAG_HELD = 1,          /* the process (FORK: the child) got SIGSTOP and waits for SIGCONT from the tracer */
  MP_FLAG_SHARES_MEMORY = 2, /* FORK: the child runs in the memory of its parent, until exec (vfork) */
  MP_FLAG_NOT_SELECTED = 4,  /* EXEC: not one of struct mp_selection, though it is traced */
};

/* Flags of an EXIT event. */
enum {
  MP_FLAG_OUT_OF_MEMORY = 2, /* the OOM killer chose the process */
};

/* ---- Events ------------------------------------------------------------------------------------------------------ */
struct mp_event {
  __mp_u8 kind;         /* enum mp_event_kind */
  __mp_u8 allocator;    /* enum mp_allocator */
  __mp_u8 flags;        /* MP_FLAG_* */
  __mp_u8 stack_status; /* enum mp_stack_status, where the event has a stack */
  __mp_u32 pid;         /* process: the kernel's tgid, root pid namespace */
  __mp_u32 tid;
  __mp_u32 pad;
  __mp_u64 time_ns; /* CLOCK_MONOTONIC */
};
MP_ASSERT_SIZE(struct mp_event, 24);

/* FREE, RELEASE */
struct mp_event_free {
  struct mp_event event;
  __mp_u64 address;
};
MP_ASSERT_SIZE(struct mp_event_free, 32);

/* ALLOCATE, UNMAP, SAMPLE */
struct mp_event_allocate {
  struct mp_event event;
  __mp_u64 address;    /* 0 of SAMPLE */
  __mp_u64 size_bytes; /* as requested */
  __mp_u64 stack;      /* hash; 0: no stack */
};
MP_ASSERT_SIZE(struct mp_event_allocate, 48);

/* REMAP */
struct mp_event_remap {
  struct mp_event_allocate to;
  __mp_u64 old_address;
  __mp_u64 old_size_bytes;
};
MP_ASSERT_SIZE(struct mp_event_remap, 64);

/* STACK; frame_count return addresses follow, then python_count Python frames (MP_PYTHON_FRAME), innermost first each.
 * MP_MAX_FRAMES in all. In the place of the return address of a frame that V8 interprets is an MP_V8_INTERPRETED.
 * `begun` and `ended` are those of struct mp_v8 while the words were valid. */
struct mp_event_stack {
  struct mp_event event;
  __mp_u64 stack;
  __mp_u32 frame_count;
  __mp_u32 python_count;
  __mp_u32 begun, ended;
};
MP_ASSERT_SIZE(struct mp_event_stack, 48);

/* PYTHON_CODE: copies of a code object's parts, as they lie in memory. `line_table_length` of its bytes follow in the
 * event, but not more than MP_PYTHON_MAX_LINE_TABLE. */
struct mp_event_python_code {
  struct mp_event event;
  __mp_u64 code; /* address of the code object */
  __mp_u32 first_line;
  __mp_u32 line_table_length;
  __mp_u32 name_length; /* bytes that could be copied of the str objects */
  __mp_u32 file_length;
  __mp_u8 name[MP_PYTHON_MAX_STRING];
  __mp_u8 file[MP_PYTHON_MAX_STRING];
};
MP_ASSERT_SIZE(struct mp_event_python_code, 48 + 2 * MP_PYTHON_MAX_STRING);

/* V8_PLACES: `count` of mp_v8_place follow. */
struct mp_event_v8_places {
  struct mp_event event;
  __mp_u32 begun, ended; /* as in struct mp_event_stack */
  __mp_u32 count;
  __mp_u32 pad;
};
MP_ASSERT_SIZE(struct mp_event_v8_places, 40);

/* A place in JavaScript, which means the same until the next mark-compact collection begins. */
struct mp_v8_place {
  __mp_u64 place;  /* as in the stack: return address, or MP_V8_INTERPRETED */
  __mp_u64 shared; /* SharedFunctionInfo of the JSFunction, which may be moved soon; 0: it can't be read */
};
MP_ASSERT_SIZE(struct mp_v8_place, 16);

/* THREAD, EXEC, EXIT, FORK, SELF_STOP, MAPPINGS: `comm` is the name. `code` is the wait status of EXIT, the pid of the
 * child of FORK, for EXEC the tid of the thread that called it, which goes on under the tid of the first thread, and
 * for MAPPINGS 1 if the heap of a V8 or the program ends. */
struct mp_event_task {
  struct mp_event event;
  char comm[MP_COMM_LENGTH];
  __mp_u32 code;
  __mp_u32 pad;
};
MP_ASSERT_SIZE(struct mp_event_task, 48);

/* ---- Selection --------------------------------------------------------------------------------------------------- */
enum mp_selection_kind { MP_SELECT_NONE, MP_SELECT_ALL, MP_SELECT_COMM, MP_SELECT_CGROUP };

/* Which processes are traced without being given by pid. */
struct mp_selection {
  __mp_u64 cgroup;    /* inode of its directory */
  __mp_u32 kind;      /* enum mp_selection_kind */
  __mp_u32 hierarchy; /* of the cgroup, as in /proc/PID/cgroup; 0: version 2 */
  __mp_u32 tracer;    /* pid */
  char comm[MP_COMM_LENGTH];
  __mp_u32 pad;
};
MP_ASSERT_SIZE(struct mp_selection, 40);

/* ---- Unwind tables ----------------------------------------------------------------------------------------------- */

/* One row: from `pc` (offset from the lowest PT_LOAD address of the module) to the next row, `rule` holds.
 * A rule packs kind, where the caller's rbp is saved, and the offset of the CFA:
 *
 *   bits 0-2   enum mp_cfa_kind
 *   bits 3-9   n: caller's rbp is at CFA - 8 * n; 0: rbp unchanged; MP_RBP_AT_RBP, MP_RBP_LOST
 *   bits 10-31 signed offset in bytes, added to the register of the kind
 */
struct mp_unwind_row {
  __mp_u32 pc;
  __mp_u32 rule;
};
MP_ASSERT_SIZE(struct mp_unwind_row, 8);

enum mp_cfa_kind {
  MP_CFA_NONE = 0,   /* no unwind information */
  MP_CFA_RSP = 1,    /* CFA = rsp + offset */
  MP_CFA_RBP = 2,    /* CFA = rbp + offset */
  MP_CFA_PLT = 3,    /* CFA = rsp + 8, + 8 in the last five bytes of a 16-byte PLT entry */
  MP_CFA_END = 4,    /* outermost frame: no return address */
  MP_CFA_SIGNAL = 5, /* rt_sigframe at rsp */
  MP_CFA_DEREF = 6,  /* CFA = *(rbp + offset): stack realigned by gcc */
  MP_CFA_JIT = 7,    /* CFA = rbp + 16, rbp at CFA - 16; JIT code, or with `offset` 1 V8's interpreter */
};

enum {
  MP_RBP_AT_RBP = 126, /* saved at [rbp]: stack realigned by gcc */
  MP_RBP_LOST = 127,
};

#define MP_RULE(kind, rbp, offset) ((__mp_u32)(kind) | (__mp_u32)(rbp) << 3 | (__mp_u32)(offset) << 10)
/* push rbp; mov rsp, rbp: used where a module says nothing about a pc (JIT code, hand-written assembly) */
#define MP_RULE_FRAME_POINTER MP_RULE(MP_CFA_RBP, 2, 16)
#define MP_RULE_JIT MP_RULE(MP_CFA_JIT, 2, 0)
#define MP_RULE_V8_INTERPRETER MP_RULE(MP_CFA_JIT, 2, 1)

/* One executable mapping of a process, sorted by `start`. In the map of a process, element 0 holds
 * their number in the lower half of `start`, and in the upper one the index of the element that they follow. */
struct mp_mapping {
  __mp_u64 start;
  __mp_u64 end;
  __mp_u64 bias;   /* pc - bias = row pc */
  __mp_u32 module; /* index of its rows in the rows map; MP_NO_MODULE: MP_RULE_JIT */
  __mp_u32 row_count;
};
MP_ASSERT_SIZE(struct mp_mapping, 32);

#define MP_NO_MODULE 0xffffffffu
#define MP_NO_SLOT 0xffffffffu /* of a child that the tracer does not know yet */

/* What BPF knows of a traced process, by slot. */
struct mp_process {
  __mp_u32 pid;         /* 0: the slot is free */
  __mp_u32 stack_seed;  /* see stack_hash.h; changes when addresses get a new meaning (exec, unmapped module) */
  __mp_u32 generation;  /* 16 bits; changes with the mappings: tags rule cache entries */
  __mp_u32 flags;       /* MP_PROCESS_* */
  __mp_u64 job_control; /* address of bash's variable of that name: not 0 while it has its children as jobs; 0: none */
};
MP_ASSERT_SIZE(struct mp_process, 24);

enum {
  MP_PROCESS_HOLD = 1,        /* launched by us: hold it while the tables of a new module are loaded */
  MP_PROCESS_STALE = 2,       /* replaced its image: the mappings are those of the old one */
  MP_PROCESS_PYTHON = 4,      /* has an entry in the pythons map */
  MP_PROCESS_V8 = 8,          /* code outside every mapping is JIT code */
  MP_PROCESS_JAVASCRIPT = 16, /* its V8 is known: has an entry in the v8s map */
  MP_PROCESS_FOLLOW = 32,     /* its children are traced, too */
};

/* ---- Python ------------------------------------------------------------------------------------------------------ */

/* How BPF walks the frames of a CPython, by slot of the process. Offsets in bytes; their sources are in
 * addon/python_layout.cc. */
struct mp_python {
  __mp_u64 current_address;   /* of the pointer to the thread state that holds the interpreter lock; 0: not needed */
  __mp_u64 tss_key_address;   /* of the Py_tss_t under which a thread keeps its state: {int is_initialized; int key} */
  __mp_u32 tss_key;           /* found there by BPF; MP_PYTHON_NO_KEY until it is initialized */
  __mp_u32 tss_values;        /* from the thread pointer to glibc's first {sequence number, value} of a key */
  __mp_u16 thread_id;         /* thread state -> pthread_t, which is the thread pointer; behind thread_frame */
  __mp_u16 thread_frame;      /* thread state -> current frame, or the C frame that leads to it */
  __mp_u16 c_frame_frame;     /* C frame -> current frame; MP_PYTHON_NONE: there is no C frame between */
  __mp_u16 frame_code;        /* frame -> code object */
  __mp_u16 frame_previous;    /* frame -> calling frame */
  __mp_u16 frame_instruction; /* frame -> index or address of the current instruction */
  __mp_u16 frame_entry;       /* frame -> the byte that says whether the evaluation loop was entered with it */
  __mp_u16 frame_size;        /* bytes that hold all of these; a multiple of 8, at most MP_PYTHON_MAX_FRAME */
  __mp_u16 window_size;       /* bytes copied at once: frames that lie on a stack come many at a time */
  __mp_u16 code_name;         /* code object -> str */
  __mp_u16 code_file;
  __mp_u16 code_first_line;
  __mp_u16 code_line_table; /* code object -> bytes object */
  __mp_u16 code_instructions;
  __mp_u8 entry_kind;       /* enum mp_python_entry */
  __mp_u8 instruction_kind; /* enum mp_python_instruction */
  __mp_u16 pad;
};
MP_ASSERT_SIZE(struct mp_python, 56);

#define MP_PYTHON_NO_KEY 0xffffffffu
#define MP_PYTHON_NONE 0xffffu

/* Which frames one activation of the evaluation loop (_PyEval_EvalFrameDefault) runs. */
enum mp_python_entry {
  MP_PYTHON_ENTRY_EACH = 0, /* one: up to 3.10 */
  MP_PYTHON_ENTRY_FLAG = 1, /* those down to one with is_entry: 3.11 */
  MP_PYTHON_ENTRY_SHIM = 2, /* those above a frame that is owned by the C stack: from 3.12 on */
};

enum mp_python_instruction {
  MP_PYTHON_BYTE_INDEX = 0, /* int, in bytes: up to 3.9 */
  MP_PYTHON_UNIT_INDEX = 1, /* int, in code units of two bytes: 3.10 */
  MP_PYTHON_ADDRESS = 2,    /* pointer into the byte code */
};

/* A Python frame in one word: address of the code object / 8, index of the code unit, whether the loop was entered with
 * it. An index that does not fit, or that is before the first instruction, is MP_PYTHON_NO_UNIT. */
#define MP_PYTHON_NO_UNIT 0x7ffffu
#define MP_PYTHON_FRAME(code, unit, entry) ((__mp_u64)(code) >> 3 << 20 | (__mp_u64)(unit) << 1 | (entry))
#define MP_PYTHON_FRAME_CODE(frame) ((__mp_u64)(frame) >> 20 << 3)
#define MP_PYTHON_FRAME_UNIT(frame) ((__mp_u32)((frame) >> 1) & MP_PYTHON_NO_UNIT)
#define MP_PYTHON_FRAME_ENTRY(frame) ((frame)&1)

/* ---- V8 ---------------------------------------------------------------------------------------------------------- */

/* What lies below the frame pointer of a frame of JIT code or of V8's interpreter (src/execution/frame-constants.h), in
 * all versions that the addon knows. In frames of no function a frame type, a Smi, is in place of the context. */
#define MP_V8_CONTEXT (-8)
#define MP_V8_FUNCTION (-16)
#define MP_V8_BYTE_CODE_ARRAY (-32)
#define MP_V8_BYTE_CODE_OFFSET (-40)

/* Cookies of v8_collection(). */
enum {
  MP_V8_COLLECTS = 0,
  MP_V8_COLLECTED = 1,
  MP_V8_FREES = 2,
  MP_V8_INVALIDATES = 3,
};

/* Where an interpreted frame is, in one word: address of the BytecodeArray / 8, and the number in the slot of the
 * offset, which is a Smi. One that does not fit is MP_V8_NO_OFFSET. No address of user code has the upper bit. */
#define MP_V8_NO_OFFSET 0x7ffffu
#define MP_V8_INTERPRETED(array, offset) ((__mp_u64)1 << 63 | (__mp_u64)(array) >> 3 << 19 | (offset))
#define MP_V8_IS_INTERPRETED(place) ((__mp_u64)(place) >> 63)
#define MP_V8_PLACE_ARRAY(place) ((__mp_u64)(place) << 1 >> 20 << 3 | 1)
#define MP_V8_PLACE_OFFSET(place) ((__mp_u32)(place)&MP_V8_NO_OFFSET)

/* By slot of the process. Mark-compact collections move and free objects and code. Counted by BPF, as is the end of a
 * heap; equal: none is under way in any of the heaps of the process. */
struct mp_v8 {
  __mp_u32 begun, ended;
  __mp_u32 function_shared; /* JSFunction -> SharedFunctionInfo, less the tag */
  __mp_u32 pad;
  __mp_u64 unread; /* by BPF: the position in the ring behind the last stack with new places */
};
MP_ASSERT_SIZE(struct mp_v8, 24);

/* ---- Records handed to TypeScript -------------------------------------------------------------------------------- *
 * MP_RECORD_WORDS 32-bit words each. Word by word:
 *
 *   0 HEAD     operation | allocator << 8 | flags << 16
 *   1 THREAD   index of the thread (process index for the PROCESS operations, RSS and RESIDENT)
 *   2 STACK    index of the stack (ALLOCATE)
 *   3 ADDRESS  low half          4 ADDRESS_HIGH
 *   5 SIZE     low half          6 SIZE_HIGH
 *   7 TIME     nanoseconds since the base time of the batch
 *
 * X(id, NAME, meaning) */
#define MP_OPERATIONS(X)                                                                                     \
  X(1, ALLOCATE, "[address, address + size) was allocated; flags: COMMITS_RELEASE, MAP_FIXED")               \
  X(2, FREE, "the block at address is freed")                                                                \
  X(3, RELEASE, "the block at address leaves the table but counts until COMMIT, CANCEL or COMMITS_RELEASE")  \
  X(4, COMMIT, "the thread's released block is freed")                                                       \
  X(5, CANCEL, "the thread's released block is live again")                                                  \
  X(6, UNMAP, "[address, address + size) was unmapped; flag INTERNAL: by the allocator library itself")      \
  X(7, PROCESS_BEGIN, "the process starts to exist in the capture")                                          \
  X(8, PROCESS_END, "the process image ended (exit or exec)")                                                \
  X(9, RSS, "resident set of the process is `size` bytes")                                                   \
  X(10, THREAD_END, "the thread ended")                                                                      \
  X(11, SAMPLE, "many blocks of `size` bytes in all, of a SAMPLED allocator; the stack is that of the last") \
  X(12, RESIDENT, "the resident memory of the process was looked at: element `size` of `residents`")

enum mp_operation {
#define X(id, NAME, meaning) MP_OPERATION_##NAME = id,
  MP_OPERATIONS(X)
#undef X
};

enum {
  MP_RECORD_WORDS = 8,
  MP_FLAG_INTERNAL = 4,      /* UNMAP called from inside the allocator library */
  MP_FLAG_SHARES_PARENT = 8, /* PROCESS_BEGIN of a child that runs in its parent's memory, until exec (vfork) */
};

/* ---- Losses that are counted outside BPF: X(NAME, "loss kind", meaning) ------------------------------------------ */
#define MP_LOSSES(X)                                                                              \
  X(STACK_TRUNCATED, "stack_truncated", "allocations whose stack is deeper than the limit")       \
  X(STACK_INCOMPLETE, "stack_incomplete", "allocations whose unwinding ended before the root")    \
  X(STACK_MISSING, "stack_missing", "allocations whose frames were lost")                         \
  X(STACK_MERGED, "stack_merged", "allocations of which only the innermost frame is kept")        \
  X(FRAME_UNSYMBOLIZED, "frame_unsymbolized", "frames without a function name")                   \
  X(UNMATCHED_FREE, "unmatched_free", "frees of blocks that were allocated before tracing began") \
  X(INHERITED, "inherited", "blocks that a forked child got from its parent")                     \
  X(PROCESS_UNHELD, "process_unheld", "children that ran before their probes were in place")      \
  X(THREAD_MERGED, "thread_merged", "threads that share a row with one that has ended")           \
  X(MODULE_MERGED, "module_merged", "mapped files beyond the number that fits")                   \
  X(EVENT_INVALID, "event_invalid", "events of a kind or length that the decoder does not know")

#endif
