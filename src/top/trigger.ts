/**
 * When a snapshot is to be taken: by time, by what the traced memory did since the last one, by how fast it grows, or by how
 * much of its limit a cgroup uses. Threshold 5, delay 60:
 *
 *     time          0     10    20    30    90    91
 *     traced bytes  10    14    16    15    15    9
 *                   armed       fires       fires fires
 *                               16 - 10     60 s  9 - 15
 */

export const TRIGGER_REASONS = ['delay', 'threshold', 'growth', 'limit', 'signal'] as const;
export type TriggerReason = (typeof TRIGGER_REASONS)[number];

export interface TriggerOptions {
  /** So long after the last one; null: never. */
  delayNs: number | null;
  /** When the traced memory has risen or fallen by more than that since the last one; null: never. */
  thresholdBytes: number | null;
  /** When it has grown by more than `bytes` within `windowNs`; null: never. */
  growth: { bytes: number; windowNs: number } | null;
  /** When the share of its limit that the cgroup uses reaches that, once for each time; null: never. */
  limitShare: number | null;
  /** Most times; null: no end. */
  repeat: number | null;
}

export const NO_TRIGGER: TriggerOptions = {
  delayNs: null,
  thresholdBytes: null,
  growth: null,
  limitShare: null,
  repeat: null,
};

/** Samples of a window of growth: what is seen of it is at most so much of it late. */
const SAMPLES = 60;

export class Trigger {
  readonly #options: TriggerOptions;
  #left: number;
  #lastNs: number;
  #lastBytes: number;
  /** By time; the first is the oldest within the window. */
  #samples: { timeNs: number; bytes: number }[] = [];
  #isOverShare = false;

  /** Armed with the present state. */
  constructor(options: TriggerOptions, nowNs: number, tracedBytes: number) {
    this.#options = options;
    this.#left = options.repeat ?? Number.POSITIVE_INFINITY;
    this.#lastNs = nowNs;
    this.#lastBytes = tracedBytes;
  }

  /** It will never fire again. */
  get isOver(): boolean {
    const { delayNs, thresholdBytes, growth, limitShare } = this.#options;
    const hasCause = delayNs !== null || thresholdBytes !== null || growth !== null || limitShare !== null;
    return this.#left <= 0 || !hasCause;
  }

  /**
   * Why it fires now, null if it does not. `share`: of the limit that is used; null: not known. `isBusy`: what it fired for
   * is still to be done, so that a delay has not begun yet.
   */
  fire(nowNs: number, tracedBytes: number, share: number | null = null, isBusy = false): TriggerReason | null {
    if (this.isOver) return null;
    const reason = this.#reason(nowNs, tracedBytes, share);
    if (reason === null || (reason === 'delay' && isBusy)) return null;
    this.#left--;
    this.#lastNs = nowNs;
    this.#lastBytes = tracedBytes;
    this.#samples = [];
    return reason;
  }

  #reason(nowNs: number, tracedBytes: number, share: number | null): TriggerReason | null {
    const { delayNs, thresholdBytes } = this.#options;
    // first those that keep account of what they are told
    const [grows, reaches] = [this.#grows(nowNs, tracedBytes), this.#reaches(share)];
    if (thresholdBytes !== null && Math.abs(tracedBytes - this.#lastBytes) > thresholdBytes) return 'threshold';
    if (grows) return 'growth';
    if (reaches) return 'limit';
    return delayNs !== null && nowNs - this.#lastNs >= delayNs ? 'delay' : null;
  }

  #grows(timeNs: number, bytes: number): boolean {
    const { growth } = this.#options;
    if (growth === null) return false;
    const samples = this.#samples;
    const newest = samples.at(-1);
    if (newest === undefined || timeNs - newest.timeNs >= growth.windowNs / SAMPLES) samples.push({ timeNs, bytes });
    while (timeNs - samples[0]!.timeNs > growth.windowNs) samples.shift();
    return bytes - samples[0]!.bytes > growth.bytes;
  }

  #reaches(share: number | null): boolean {
    const { limitShare } = this.#options;
    if (limitShare === null || share === null) return false;
    const wasOver = this.#isOverShare;
    this.#isOverShare = share >= limitShare;
    return this.#isOverShare && !wasOver;
  }
}
