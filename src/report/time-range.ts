/**
 * The part of a capture's time that a report is about.
 *
 *     --from 1.253 --to 50%    of 5 s, in intervals of 10 ms    ->  1.25 s to 2.50 s
 *
 * It is widened to whole intervals, for which all numbers are exact, and reports say so. If single events were recorded,
 * intervals are of 100 ns: no range needs more.
 */
import { EVENT_TIME_NS } from '../model/events.ts';
import { UserError } from '../util/errors.ts';
import { formatDuration, formatExactSeconds, formatSeconds } from '../util/format.ts';

/** As the user gave it; what is missing is the beginning, or the end, of the capture. */
export interface TimeRange {
  from?: string;
  to?: string;
}

export interface TimeWindow {
  from_ns: number;
  /** Null: the end of the capture. */
  to_ns: number | null;
  /** Width of an interval. */
  interval_ns: number;
}

/** What of a capture's time is known. */
export interface CaptureTime {
  duration_ns: number;
  interval_ns: number;
  /** Up to here it is known what happened when. */
  known_ns: number;
  isComplete: boolean;
}

const UNIT_NS: Record<string, number> = { '': 1e9, s: 1e9, ms: 1e6, us: 1e3, ns: 1, m: 60e9, h: 3600e9 };

/** Nanoseconds since the capture began, of `1.25`, `90s`, `1500ms`, `2m`, `50%`; null if it is no time. */
export function parseTime(text: string, durationNs: number): number | null {
  const match = /^(\d+(?:\.\d*)?|\.\d+)(%|ns|us|ms|s|m|h|)$/.exec(text.trim());
  if (match === null) return null;
  const [, number, unit] = match as unknown as [string, string, string];
  if (unit === '%') return Number(number) <= 100 ? (Number(number) / 100) * durationNs : null;
  return Number(number) * UNIT_NS[unit]!;
}

/** @throws UserError if the range is empty, or lies behind what was recorded. */
export function resolveRange(range: TimeRange, time: CaptureTime): TimeWindow {
  const { duration_ns, interval_ns, known_ns, isComplete } = time;
  const endNs = isComplete ? Math.max(duration_ns, known_ns) : known_ns;
  const from = range.from === undefined ? 0 : parseTime(range.from, duration_ns)!;
  const to = range.to === undefined ? Infinity : parseTime(range.to, duration_ns)!;
  if (from >= endNs) {
    const what = isComplete ? 'the end of the capture' : 'what has been recorded so far';
    throw new UserError(`--from ${range.from ?? 0} is not before ${what} (${formatSeconds(endNs)}).`);
  }
  const first = Math.floor(Math.round(from) / interval_ns) * interval_ns;
  const behind = Math.ceil(Math.round(to) / interval_ns) * interval_ns;
  if (from >= to || first >= behind) throw new UserError(`--from ${range.from ?? 0} is not before --to ${range.to}.`);
  const last = isComplete ? null : known_ns;
  return { from_ns: first, to_ns: behind < endNs ? behind : last, interval_ns };
}

/** For the header of a report. */
export function windowTitle({ from_ns, to_ns, interval_ns }: TimeWindow): string {
  const time = isExact(interval_ns) ? formatExactSeconds : formatSeconds;
  const to = to_ns === null ? 'the end' : time(to_ns);
  const widened = isExact(interval_ns) ? '' : `, in whole intervals of ${formatDuration(interval_ns)}`;
  return `${time(from_ns)} to ${to}${widened}; what follows is about this time`;
}

/** True if the range was not widened by anything that could be seen: single events were recorded. */
export function isExact(intervalNs: number): boolean {
  return intervalNs <= EVENT_TIME_NS;
}
