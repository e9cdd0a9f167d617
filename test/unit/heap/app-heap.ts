/** A small program's heap, for tests of what is asked of sets of objects. */
import type { MadeObject } from './made-heap.ts';

/**
 * app.cache is a list of two Items that share a str with the module; the second leads back to the list. Two Nodes keep
 * only each other; a third Item is held from outside.
 */
export const APP: MadeObject[] = [
  { type: 'module', text: 'app', size: 70, references: { '.__dict__': 1 }, referenceCount: 2 },
  { type: 'dict', owner: 0, size: 200, references: { "['cache']": 2, "['name']": 5 } },
  { type: 'list', size: 88, references: { '[0]': 3, '[1]': 4 }, referenceCount: 2 },
  { type: 'app.Item', size: 48, references: { '.name': 5 } },
  { type: 'app.Item', size: 48, references: { '.name': 5, '.owner': 2 } },
  { type: 'str', text: "'a\x1b'", size: 50, untracked: true, referenceCount: 3 },
  { type: 'app.sub.Node', size: 40, references: { '.other': 7 } },
  { type: 'app.sub.Node', size: 40, references: { '.other': 6 } },
  { type: 'app.Item', size: 48 },
];
