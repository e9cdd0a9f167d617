/**
 * Which rows of the table a stack belongs to. A location is a function in a file; however often it stands in a stack,
 * its total gets the stack once:
 *
 *     main → walk → walk → malloc(8)        walk: total 8, own 8        main: total 8, own 0
 */
import type { FrameRow } from '../model/frame-row.ts';
import type { LiveData } from './live-data.ts';

export interface Location {
  /** As the target wrote it: to be escaped. */
  function: string;
  /** Source file, or the module where it is not known. */
  file: string;
}

/** How frames are shown; those of interpreters are left out as in reports. Frames are innermost first. */
export interface FrameRules {
  shown(frames: FrameRow[], hidesNative: boolean): FrameRow[];
  /** The frame that what the stack allocated is its own of. */
  place(frames: FrameRow[]): FrameRow;
  /** Name of the location of sites without a stack. */
  noStack: string;
}

const UNKNOWN = '???';

export class LiveLocations {
  readonly all: Location[] = [];
  readonly hidesNative: boolean;
  readonly #rules: FrameRules;
  readonly #data: LiveData;
  readonly #ids = new Map<string, number>();
  readonly #ofFrame: number[] = [];
  /** By stack: its distinct locations, its own one first. */
  readonly #ofStack: (Int32Array | undefined)[] = [];

  /** `hidesNative`: of stacks that have others, too. */
  constructor(data: LiveData, rules: FrameRules, hidesNative: boolean) {
    this.#data = data;
    this.#rules = rules;
    this.hidesNative = hidesNative;
    this.#ofStack[0] = Int32Array.of(this.#add(rules.noStack, ''));
  }

  /** The distinct locations of a stack; first the one that called the allocator. */
  ofStack(stack: number): Int32Array {
    let known = this.#ofStack[stack];
    if (known === undefined) {
      const frames = this.framesOf(stack);
      if (frames.length === 0) return this.#ofStack[0]!;
      const own = this.ofFrame(this.#rules.place(frames));
      known = Int32Array.from(new Set([own, ...frames.map((frame) => this.ofFrame(frame))]));
      this.#ofStack[stack] = known;
    }
    return known;
  }

  /** Those that are shown, innermost first; empty without a stack. */
  framesOf(stack: number): FrameRow[] {
    const frames: FrameRow[] = [];
    // In a damaged capture a stack may be missing: nothing is known of it.
    for (let node = stack; node > 0; node = this.#data.stackParents[node]!) {
      const frame = this.#data.frames[this.#data.stackFrames[node]!];
      if (frame !== undefined) frames.push(frame);
      // A parent comes before its children, which rules out cycles in a damaged capture.
      if (this.#data.stackParents[node]! >= node) break;
    }
    return frames.length === 0 ? [] : this.#rules.shown(frames, this.hidesNative);
  }

  ofFrame({ id, function: name, file, module }: FrameRow): number {
    this.#ofFrame[id] ??= this.#add(name ?? UNKNOWN, file ?? module ?? '');
    return this.#ofFrame[id]!;
  }

  #add(name: string, file: string): number {
    const key = `${name}\0${file}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.all.length;
      this.#ids.set(key, id);
      this.all.push({ function: name, file });
    }
    return id;
  }
}
