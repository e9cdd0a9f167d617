/** Plays a replay on a screen: time and keys move it, and every other moment is shown. */
import type { LiveDelta } from '../model/live.ts';
import type { Replay } from './live-replay.ts';

/** What a recording was at the moments of a replay. */
export interface ReplaySource {
  readonly replay: Replay;
  /** What is different at its moment from the one that was asked for before. */
  look(): LiveDelta;
}

/** Between two pictures; more if it takes long to make one. */
const FRAME_MS = 250;
const FRAME_SHARE = 4;

export class ReplayPlayer {
  readonly #source: ReplaySource;
  readonly #show: (delta: LiveDelta) => void;
  readonly #fail: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** `show` gets what is new, `fail` why there is no more. */
  constructor(source: ReplaySource, show: (delta: LiveDelta) => void, fail: (error: unknown) => void) {
    this.#source = source;
    this.#show = show;
    this.#fail = fail;
  }

  get replay(): Replay {
    return this.#source.replay;
  }

  start(): void {
    this.#look();
    this.#playOn(performance.now(), 0);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** @returns whether it is a key of a replay. */
  press(key: string): boolean {
    const { replay } = this;
    const actions: Record<string, () => void> = {
      ...{ ',': () => replay.step(-1), '.': () => replay.step(1) },
      ...{ '[': () => replay.skip(-1), ']': () => replay.skip(1) },
      ...{ '+': () => replay.changeSpeed(2), '-': () => replay.changeSpeed(1 / 2) },
      ...{ space: () => replay.togglePaused(), r: () => replay.restart() },
    };
    const action = actions[key];
    if (action === undefined) return false;
    action();
    this.#look();
    return true;
  }

  #playOn(fromMs: number, takenMs: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(
      () => {
        const nowMs = performance.now();
        if (this.replay.pass(nowMs - fromMs)) this.#look();
        this.#playOn(nowMs, performance.now() - nowMs);
      },
      Math.max(FRAME_MS, FRAME_SHARE * takenMs),
    );
  }

  #look(): void {
    try {
      this.#show(this.#source.look());
    } catch (error) {
      this.#fail(error);
    }
  }
}
