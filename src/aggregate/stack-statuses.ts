/** How far the stacks of allocations were unwound. */
import type { Losses, StackInfo, StackStatus } from '../model/types.ts';
import { grown } from './growable.ts';

const MISSING = 0;
const COMPLETE = 1;
const TRUNCATED = 2;
const INCOMPLETE = 3;
const MERGED = 4;
const CODES: Record<StackStatus, number> = {
  missing: MISSING,
  complete: COMPLETE,
  truncated: TRUNCATED,
  incomplete: INCOMPLETE,
  merged: MERGED,
};

export class StackStatuses {
  /** By index of the stack. */
  #codes = new Uint8Array(256);
  /** Allocations by code. */
  readonly #counts = new Float64Array(5);

  add({ index, status }: StackInfo): void {
    this.#codes = grown(this.#codes, index + 1);
    this.#codes[index] = CODES[status];
  }

  /** One more allocation with this stack. */
  count(stack: number): void {
    this.#counts[stack < this.#codes.length ? this.#codes[stack]! : MISSING]! += 1;
  }

  get losses(): Losses {
    return {
      stack_truncated: this.#counts[TRUNCATED]!,
      stack_incomplete: this.#counts[INCOMPLETE]!,
      stack_missing: this.#counts[MISSING]!,
      stack_merged: this.#counts[MERGED]!,
    };
  }
}
