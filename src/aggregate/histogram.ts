/** Requested sizes of one (process, allocator) since the last commit, by the classes of model/size-class.ts. */

import type { SizeCount } from '../model/accounts.ts';
import { SIZE_CLASS_COUNT, sizeClass, sizeClassMax, sizeClassMin } from '../model/size-class.ts';

export class Histogram {
  readonly allocator: number;
  readonly #allocations = new Float64Array(SIZE_CLASS_COUNT);
  readonly #bytes = new Float64Array(SIZE_CLASS_COUNT);

  constructor(allocator: number) {
    this.allocator = allocator;
  }

  add(sizeLow: number, sizeHigh: number, bytes: number): void {
    const index = sizeClass(sizeLow, sizeHigh);
    this.#allocations[index]! += 1;
    this.#bytes[index]! += bytes;
  }

  /** The classes that are not empty. */
  *counts(): Generator<SizeCount> {
    for (let index = 0; index < SIZE_CLASS_COUNT; index++) {
      const allocations = this.#allocations[index]!;
      if (allocations === 0) continue;
      yield {
        allocator: this.allocator,
        minBytes: sizeClassMin(index),
        maxBytes: sizeClassMax(index),
        allocations,
        bytes: this.#bytes[index]!,
      };
    }
  }

  clear(): void {
    this.#allocations.fill(0);
    this.#bytes.fill(0);
  }
}
