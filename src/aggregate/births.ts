/**
 * Which blocks of a state were born in a range: (1) or before (0).
 *
 *     chunks               first        .            .        known from
 *     ticks at their begin   5          7            7            8
 *     a block born at     4: before   5, 6, 7: it depends      8: in the range
 *
 * Of those on which it depends, the ones that are in a state behind `known from` were live there, with the same addresses.
 */
import type { EventChunkFacts } from '../model/live-state.ts';
import type { BirthOf } from './live-state.ts';
import type { Replay } from './replay.ts';

interface Piece {
  process: number;
  start: number;
  end: number;
}

export class Births {
  /** The first chunk from which on everything is born in the range for certain. */
  readonly knownFrom: number;
  readonly #first: number;
  readonly #firstTick: number;
  readonly #lastTick: number;
  #blocks: Set<string> | null = null;
  #pieces: Piece[] = [];

  constructor(chunks: readonly (EventChunkFacts | null)[], first: number) {
    this.#first = first;
    this.#firstTick = chunks[first]?.firstTick ?? 0;
    this.#lastTick = chunks[first + 1]?.firstTick ?? Number.POSITIVE_INFINITY;
    const known = chunks.findIndex((chunk, at) => at > first && chunk !== null && chunk.firstTick > this.#lastTick);
    this.knownFrom = known < 0 ? chunks.length : known;
  }

  get areKnown(): boolean {
    return this.#blocks !== null;
  }

  /** `replay` has come to `knownFrom` at least. */
  keep(replay: Replay): void {
    const blocks = new Set<string>();
    replay.visitLive((process, address, _bytes, _site, birth) => {
      if (birth === 1) blocks.add(`${process} ${address}`);
    });
    replay.visitMappings((process, start, end, birth) => {
      if (birth === 1) this.#pieces.push({ process, start, end });
    });
    this.#blocks = blocks;
  }

  /** For the state at the beginning of a chunk. */
  birthOf(chunk: number): BirthOf {
    if (chunk <= this.#first) return () => 0;
    return (process, address, tick, isMapping) => {
      if (tick < this.#firstTick) return 0;
      if (tick > this.#lastTick) return 1;
      return (isMapping ? this.#wasMapped(process, address) : this.#blocks!.has(`${process} ${address}`)) ? 1 : 0;
    };
  }

  #wasMapped(process: number, address: number): boolean {
    return this.#pieces.some((piece) => piece.process === process && piece.start <= address && address < piece.end);
  }
}
