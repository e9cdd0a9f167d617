/*
 * The hash that identifies a stack in the ring, computed by BPF, and by the addon to check it.
 *
 * A frame counts as (module, offset): thousands of processes that run one program have the same hashes wherever their
 * libraries lie, and what is behind a hash is sent and looked up once for all of them. Such a hash is marked:
 *
 *     frames all in modules                           hash of their places, MP_STACK_SHARED
 *     one is in JIT code, Python's or JavaScript's    its address instead, and the seed of the process at the end
 */
#ifndef MP_STACK_HASH_H
#define MP_STACK_HASH_H

#include "mp.h"

#define MP_HASH_FACTOR 0x9E3779B97F4A7C15ull
#define MP_STACK_HASHED 1ull /* set in every hash: 0 means "no stack" */
#define MP_STACK_SHARED 2ull /* means the same in every process */

static inline __mp_u64 mp_hash_word(__mp_u64 hash, __mp_u64 word) {
  hash = (hash ^ word) * MP_HASH_FACTOR;
  return hash ^ hash >> 29;
}

/* Never 0. `offset`: from the lowest address of the module, as in its unwind rows. */
static inline __mp_u64 mp_hash_place(__mp_u32 module, __mp_u64 offset) {
  return ((module + 1ull) << 48 | (offset & 0xffffffffffffull)) * MP_HASH_FACTOR;
}

/* The status is part of the identity: the same frames can be a whole stack and the visible part of one that could not
 * be read further. */
static inline __mp_u64 mp_finish_hash(__mp_u64 hash, __mp_u32 status, int is_shared) {
  hash = (hash ^ status) * MP_HASH_FACTOR;
  return (hash & ~(MP_STACK_HASHED | MP_STACK_SHARED)) | MP_STACK_HASHED | (is_shared ? MP_STACK_SHARED : 0);
}

#endif
