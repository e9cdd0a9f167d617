/** How a replay goes on: which moment of a recording that has ended is shown, and how fast the next ones come. */

export interface ReplayTimes {
  /** Between two moments that can be shown. */
  widthNs: number;
  endNs: number;
  /** ISO 8601; empty if it is not known. */
  startedAt: string;
}

const SPEEDS = { slowest: 1 / 64, fastest: 65_536 };
const TENTH = 10;

export class Replay {
  isPaused = false;
  /** Seconds of the recording in one second. */
  speed: number;
  #momentNs = 0;
  readonly #times: ReplayTimes;
  /** Passed since the moment, less than the time to the next one. */
  #passedNs = 0;

  constructor(times: ReplayTimes, speed: number) {
    this.#times = times;
    this.speed = speed;
  }

  /** Since the recording began. */
  get momentNs(): number {
    return this.#momentNs;
  }

  get endNs(): number {
    return this.#times.endNs;
  }

  get isOver(): boolean {
    return this.#momentNs >= this.#times.endNs;
  }

  /** When the moment was; undefined: not known. */
  get time(): Date | undefined {
    const startMs = Date.parse(this.#times.startedAt);
    return Number.isNaN(startMs) ? undefined : new Date(startMs + this.#momentNs / 1e6);
  }

  /** So much time of the viewer has passed. @returns whether there is another moment to be shown. */
  pass(ms: number): boolean {
    if (this.isPaused || this.isOver) return false;
    const { widthNs } = this.#times;
    const toNs = this.#momentNs + this.#passedNs + ms * 1e6 * this.speed;
    const before = this.#momentNs;
    this.#moveTo(toNs - (toNs % widthNs));
    this.#passedNs = toNs % widthNs;
    if (toNs >= this.endNs) this.#moveTo(this.endNs);
    return this.#momentNs !== before;
  }

  /** To the moment before (-1) or the next one (1), where it stays. */
  step(by: -1 | 1): void {
    const { widthNs } = this.#times;
    const at = this.#momentNs / widthNs;
    this.isPaused = true;
    this.#moveTo((by < 0 ? Math.ceil(at) - 1 : Math.floor(at) + 1) * widthNs);
  }

  /** So many tenths of the recording on or back, and at least to another moment. */
  skip(tenths: number): void {
    const { widthNs, endNs } = this.#times;
    const at = (this.#momentNs + (tenths * endNs) / TENTH) / widthNs;
    this.#moveTo((tenths < 0 ? Math.floor(at) : Math.ceil(at)) * widthNs);
  }

  /** At its end it begins anew. */
  togglePaused(): void {
    if (this.isOver) this.restart();
    else this.isPaused = !this.isPaused;
  }

  restart(): void {
    this.isPaused = false;
    this.#moveTo(0);
  }

  changeSpeed(factor: number): void {
    this.speed = Math.max(SPEEDS.slowest, Math.min(SPEEDS.fastest, this.speed * factor));
  }

  get text(): string {
    if (this.isOver) return 'the replay has ended: this is the last state';
    return `${this.isPaused ? 'replay paused' : 'replay'} at ${Number(this.speed.toPrecision(3))}×`;
  }

  #moveTo(momentNs: number): void {
    this.#momentNs = Math.max(0, Math.min(this.endNs, momentNs));
    this.#passedNs = 0;
  }
}
