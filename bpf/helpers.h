/* The one seam between the unwinder and its surroundings: BPF helpers in the kernel, stand-ins in the host build of
 * test/bpf, which defines MP_HOST and provides functions with the same names. */
#ifndef MP_HELPERS_H
#define MP_HELPERS_H

#include "kernel.h"

#ifdef MP_HOST
#include "host_helpers.h"
#else
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#endif

#define NULL ((void *)0)

#endif
