/** What is said of the resident memory of a process in more than one stage. */
import type { ResidentInfo } from './types.ts';

/** Bytes of the resident set: its parts together. */
export function residentBytes(info: ResidentInfo): number {
  const { v8HeapBytes, jitCodeBytes, brkBytes, anonymousBytes, stackBytes, fileBytes, sharedBytes } = info;
  return (v8HeapBytes ?? 0) + jitCodeBytes + brkBytes + anonymousBytes + stackBytes + fileBytes + sharedBytes;
}

/**
 * Functions that allocate the memory of Buffers and ArrayBuffers: of Node (src/node_internals.h, src/api/environment.cc)
 * and of V8 (src/objects/backing-store.cc, src/api/api.cc), which use malloc and calloc.
 */
const ALLOCATES_BUFFERS = /(?:\w*ArrayBufferAllocator|v8::internal::BackingStore)::/;

/** Frames between such a function and malloc: operator new, node::UncheckedMalloc and their like. */
const BETWEEN = 2;

/** Whether a block is a Buffer's, by the names of functions from the one that called malloc outwards. */
export function isBuffer(functions: Iterable<string | null>): boolean {
  let position = 0;
  for (const name of functions) {
    if (name !== null && ALLOCATES_BUFFERS.test(name)) return true;
    if (++position > BETWEEN) break;
  }
  return false;
}
