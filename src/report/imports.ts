/**
 * Which stacks the import of a module has made: those through Python's import system, and those through Node's below a
 * line of the program.
 */
import type { FrameRow } from './source.ts';
import { isInternal, type LinkedFrame, ofFrame } from './stacks.ts';

/** Python's import system: its bootstrap is frozen into the interpreter. */
const PYTHON_IMPORT = /^<frozen (?:importlib|zipimport)|\/importlib\/(?:_bootstrap|_bootstrap_external|__init__)\.py$/;
/** Node's; it also runs the program itself, so that only what a line of the program calls is an import. */
const NODE_IMPORT = /^node:internal\/modules\//;

/** What stands in a stack, as bits. */
const IMPORT = 1;
const PROGRAM = 2;
/** Of a frame: an import if the program stands above it. */
const IMPORT_BELOW_PROGRAM = 4;

/** Of the stacks of one tree. */
export class Imports {
  /** By the number of the node. */
  readonly #found: number[] = [];
  readonly #bitsOf = ofFrame(frameBits);

  /** Whether an import stands in the stack that ends with `innermost`. Not recursive: stacks may be deep. */
  has(innermost: LinkedFrame | null): boolean {
    const missing: LinkedFrame[] = [];
    let up = innermost;
    while (up !== null && this.#found[up.id] === undefined) {
      missing.push(up);
      up = up.parent;
    }
    let found = up === null ? 0 : this.#found[up.id]!;
    for (let i = missing.length - 1; i >= 0; i--) {
      const bits = this.#bitsOf(missing[i]!.frame);
      const isImport = (bits & IMPORT_BELOW_PROGRAM) !== 0 && (found & PROGRAM) !== 0;
      found |= isImport ? IMPORT : bits & (IMPORT | PROGRAM);
      this.#found[missing[i]!.id] = found;
    }
    return (found & IMPORT) !== 0;
  }
}

function frameBits(frame: FrameRow): number {
  const file = frame.file ?? '';
  if (frame.language === 'python') return PYTHON_IMPORT.test(file) ? IMPORT : 0;
  if (frame.language !== 'javascript') return 0;
  if (!isInternal(frame)) return PROGRAM;
  return NODE_IMPORT.test(file) ? IMPORT_BELOW_PROGRAM : 0;
}
