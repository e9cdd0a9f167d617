/**
 * The objects of a process at one moment, in columns: element i of each is of object i. Comments say what they are of a
 * Python; of a Node see heap/node/read-snapshot.ts.
 */
export interface HeapColumns {
  /** They are from a heap snapshot of V8: `addresses` are its ids of objects, written @123. */
  isSnapshot?: boolean;
  types: HeapType[];
  addresses: Float64Array;
  /** Bytes as sys.getsizeof gives them. */
  sizes: Float64Array;
  /** Indices in `types`. */
  typeOf: Uint32Array;
  referenceCounts: Uint32Array;
  /** HEAP_TRACKED, HEAP_FROZEN, HEAP_PYMALLOC. */
  flags: Uint8Array;
  /** Of a dict: the object whose __dict__ it is; HEAP_NONE: of nobody. */
  owners: Uint32Array;
  /** References of object i: `targets` from firstTarget[i] up to firstTarget[i + 1]. */
  firstTarget: Uint32Array;
  targets: Uint32Array;
  problems: HeapProblems;
  /** Whether untracked objects could be looked for in pymalloc's arenas. */
  hasPymalloc: boolean;
  arenas: number;
  /** Of pymalloc, in use. */
  blocks: number;
  /** Of the interpreter: 3.minor. */
  minor: number;
  /** Objects of C types whose structure mp does not know: what these refer to is not known, either. */
  unknownObjects: number;
  /** How many such types these are. */
  unknownTypes: number;
  /** Whose objects these are: `process 12`, `core file core of process 12`. */
  target: string;
  /** Of memory, that a core file should keep and does not, because it was cut short. */
  missingBytes: number;
}

export interface HeapType {
  address: number;
  /** `__module__`; empty: unknown. */
  module: string;
  /** `__qualname__`. */
  name: string;
  /** false: of a C type whose structure mp does not know; what it refers to is not known, either. */
  isKnown: boolean;
  /** By the garbage collector. */
  isTracked: boolean;
}

/** What made no sense, by what it is of. */
export interface HeapProblems {
  /** Lists of the garbage collector. */
  links: number;
  /** Objects without a type, a reference count or a size that can be. */
  objects: number;
  /** Objects whose references could not all be read. */
  contents: number;
  /** Pools of pymalloc. */
  pools: number;
  /** Objects and references beyond what is read at most. */
  limits: number;
}

/** What only the process itself knows, and can be asked for as long as it stands still. Objects are addresses. */
export interface HeapNames {
  /**
   * What an object refers to, and how: `.name`, `[0]`, `['key']`, `key`; `+16` is a field of a C structure. Some targets
   * are no objects. With `to` only the first by which it refers to that.
   */
  references(from: number, to?: number): { target: number; label: string }[];
  /** A str, an int, or the name of a type, module or function; empty for others. */
  describe(object: number): string;
}

export const HEAP_NONE = 0xffffffff;
/** By the garbage collector: what gc.get_objects() gives. */
export const HEAP_TRACKED = 1;
/** In the collector's permanent generation. */
export const HEAP_FROZEN = 2;
/** In a block of pymalloc. */
export const HEAP_PYMALLOC = 4;

/** Of all interpreters of a process. What is not there could not be read, is too much to read, or does not exist. */
export interface PythonFigures {
  /** Of pymalloc's arenas, and the most there has been. */
  pymallocBytes?: number;
  pymallocMaxBytes?: number;
  /** Blocks in use. */
  pymallocBlocks?: number;
  pymallocAllocatedBytes?: number;
  pymallocFreeBytes?: number;
  /** By the garbage collector. */
  trackedObjects?: number;
  internedStrings?: number;
  /** Of their table. */
  internedBytes?: number;
}
