import type { Chunk } from './new-file.ts';

const CHUNK_LENGTH = 1 << 18;

/** The same in pieces that are worth a system call: texts are put together, bytes are left as they are. */
export function* inChunks(pieces: Iterable<Chunk>): Iterable<Chunk> {
  let text = '';
  for (const piece of pieces) {
    if (typeof piece === 'string' && text.length + piece.length < CHUNK_LENGTH) {
      text += piece;
      continue;
    }
    if (text !== '') yield text;
    text = '';
    if (typeof piece === 'string') text = piece;
    else yield piece;
  }
  if (text !== '') yield text;
}

/** Parts of which the first is there; `return` lets go of the rest, also if none was taken. */
export interface Begun<Part> extends IterableIterator<Part> {
  return(): IteratorResult<Part>;
}

/** The same, of which the first is made at once: what fails to begin has done no harm yet. */
export function begun<Part>(parts: Iterable<Part>): Begun<Part> {
  const iterator = parts[Symbol.iterator]();
  let first: IteratorResult<Part> | null = iterator.next();
  return {
    [Symbol.iterator]() {
      return this;
    },
    next() {
      const part = first ?? iterator.next();
      first = null;
      return part;
    },
    return() {
      iterator.return?.();
      return { done: true, value: undefined };
    },
  };
}
