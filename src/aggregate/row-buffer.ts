/** Rows of `stride` numbers each that wait for the next commit. */

import type { NumberRows } from '../model/intervals.ts';
import { grown } from './growable.ts';

export class RowBuffer implements NumberRows {
  count = 0;
  readonly #stride: number;
  #numbers = new Float64Array(0);

  constructor(stride: number) {
    this.#stride = stride;
  }

  push(...row: number[]): void {
    const at = this.count++ * this.#stride;
    if (at === this.#numbers.length)
      this.#numbers = grown(this.#numbers, Math.max(at + this.#stride, 16 * this.#stride));
    for (let i = 0; i < this.#stride; i++) this.#numbers[at + i] = row[i]!;
  }

  *[Symbol.iterator](): Generator<number[]> {
    for (let row = 0; row < this.count; row++) {
      yield Array.from(this.#numbers.subarray(row * this.#stride, (row + 1) * this.#stride));
    }
  }

  clear(): void {
    this.count = 0;
    this.#numbers = new Float64Array(0);
  }
}
