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
