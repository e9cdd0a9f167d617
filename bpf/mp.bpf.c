/*
 * The BPF side, one translation unit: the maps and the state of the unwinder exist once, and libbpf 1.1 can't share
 * them between objects that clang 14 compiled. Read in this order; each file includes the one before it.
 *
 *   mp.h               contract with user space
 *   kernel.h           kernel types that are read
 *   maps.bpf.h         maps
 *   unwind.bpf.h       registers -> return addresses
 *   python.bpf.h       thread -> Python frames
 *   python_code.bpf.h  what new code objects say -> ring
 *   v8.bpf.h           JavaScript frames -> ring
 *   emit.bpf.h         events -> ring
 *   pressure.bpf.h     waiting for room in the ring
 *   inflight.bpf.h     calls between entry and return
 *   mapping_call.bpf.h what calls of mmap and the like did
 *   malloc.bpf.h       probes on allocators of blocks
 *   mmap.bpf.h         probes on allocators of ranges
 *   v8_sample.bpf.h    samples of V8's heap
 *   hold.bpf.h         stopping a process until it has its probes
 *   select.bpf.h       which processes, by name or cgroup
 *   lifecycle.bpf.h    exec, exit, modules, thread names
 */
#include "lifecycle.bpf.h"

/* Some helpers (probe_read, send_signal, get_current_task_btf) are only given to programs with this licence. */
char LICENSE[] SEC("license") = "GPL";
