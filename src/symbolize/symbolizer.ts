/**
 * Joins stacks, which arrive as sequences of locations, with the symbols of those locations, which arrive later.
 *
 *     stack 7        locations 31 30 29 (innermost first)
 *     symbols of 31  copy (inlined), parse
 *     symbols of 30  run
 *     frames(7)      null until 29 is known, then: main > run > parse > copy (inlined)
 */

import type { StackSource } from '../model/accounts.ts';
import type { Frame, LocationIndex, LocationSymbols, StackIndex, StackInfo } from '../model/types.ts';

const NAMELESS: Frame = { function: null, file: null, line: null, language: 'native', module: null, inlined: false };

interface Waiting {
  locations: Uint32Array;
  /** So many innermost locations are known to have symbols. */
  knownCount: number;
}

export class Symbolizer implements StackSource {
  revision = 0;
  readonly #symbols: (readonly Frame[] | undefined)[] = [];
  readonly #stacks = new Map<StackIndex, Waiting>();
  readonly #namelessLocations = new Set<LocationIndex>();

  /** Takes over what is new in a batch. The arrays are copied where they would not outlive it. */
  add({ stacks, symbols }: { stacks: readonly StackInfo[]; symbols: readonly LocationSymbols[] }): void {
    for (const { index, locations } of stacks) {
      this.#stacks.set(index, { locations: locations.slice(), knownCount: 0 });
    }
    for (const { location, frames } of symbols) {
      this.#symbols[location] ??= frames.length === 0 ? [NAMELESS] : frames;
    }
    if (stacks.length + symbols.length > 0) this.revision++;
  }

  get unsymbolizedFrames(): number {
    return this.#namelessLocations.size;
  }

  /** True if the symbols of all locations of the stack have arrived. */
  isKnown(stack: StackIndex): boolean {
    const waiting = this.#stacks.get(stack);
    if (waiting === undefined) return true;
    const { locations } = waiting;
    while (waiting.knownCount < locations.length && this.#symbols[locations[waiting.knownCount]!] !== undefined) {
      waiting.knownCount++;
    }
    return waiting.knownCount === locations.length;
  }

  frames(stack: StackIndex, incomplete = false): readonly Frame[] | null {
    if (!incomplete && !this.isKnown(stack)) return null;
    const result: Frame[] = [];
    const locations = this.#stacks.get(stack)?.locations ?? [];
    for (let at = locations.length - 1; at >= 0; at--) {
      const location = locations[at]!;
      const frames = this.#symbols[location] ?? [NAMELESS];
      if (frames.every((frame) => frame.function === null)) this.#namelessLocations.add(location);
      for (let inner = frames.length - 1; inner >= 0; inner--) result.push(frames[inner]!);
    }
    return result;
  }

  release(stack: StackIndex): void {
    this.#stacks.delete(stack);
  }
}
