/**
 * What the resident memory of one process was used for, at a bounded number of moments however long it is recorded:
 *
 *     time (s)    0     1     2     3     4     5          at most 5 points
 *     RSS        10    20    80    30    31
 *                first       most        last
 *     6 comes    10          80    30    31    33          1 goes: the points beside it are nearest to each other
 *
 * The first, the last and the one of most resident memory stay. Only these three say what was live then, because that is
 * as much as there are sites. Of two equal maxima the later one counts.
 */
import type { ResidentPoint } from '../model/accounts.ts';
import { residentBytes } from '../model/resident.ts';

const MAX_POINTS = 64;

export class ResidentLine {
  /** Since the last commit. */
  hasChanged = false;
  #points: ResidentPoint[] = [];
  #most: ResidentPoint | null = null;
  readonly #maxPoints: number;

  constructor(maxPoints = MAX_POINTS) {
    this.#maxPoints = maxPoints;
  }

  get points(): readonly ResidentPoint[] {
    return this.#points;
  }

  /** `point` is the latest. */
  add(point: ResidentPoint): void {
    this.hasChanged = true;
    this.#points.push(point);
    if (this.#most === null || residentBytes(point) >= residentBytes(this.#most)) this.#most = point;
    if (this.#points.length > this.#maxPoints) this.#thin();
    this.#points = this.#points.map((one) => (this.#isKept(one) || one.live === null ? one : { ...one, live: null }));
  }

  #isKept(point: ResidentPoint): boolean {
    return point === this.#points[0] || point === this.#points.at(-1) || point === this.#most;
  }

  #thin(): void {
    let [leastIndex, leastGap] = [-1, Infinity];
    for (let i = 1; i + 1 < this.#points.length; i++) {
      const gap = this.#points[i + 1]!.timeNs - this.#points[i - 1]!.timeNs;
      if (gap < leastGap && !this.#isKept(this.#points[i]!)) [leastIndex, leastGap] = [i, gap];
    }
    if (leastIndex > 0) this.#points.splice(leastIndex, 1);
  }
}
