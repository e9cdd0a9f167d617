/** Which two parts of which captures `mp diff` compares. */
import type { Facts } from '../../report/facts.ts';
import { processName } from '../../report/header.ts';
import type { Capture } from '../../report/report.ts';
import type { Selection } from '../../report/selection.ts';
import type { Source } from '../../report/source.ts';
import { isExact, parseTime } from '../../report/time-range.ts';
import { UserError } from '../../util/errors.ts';
import { formatExactSeconds, formatSeconds } from '../../util/format.ts';
import { withCapture } from './report-options.ts';

export interface Compared {
  before: string;
  /** Not given: another part of the capture before. */
  after?: string | undefined;
  pids: readonly number[];
  from?: string | undefined;
  to?: string | undefined;
}

export interface Side {
  path: string;
  selection: Selection;
  /** True if processes are told apart. */
  isProcess: boolean;
}

/** @throws UserError if there are not two of anything, or of too much. */
export function sidesOf(compared: Compared, selection: Selection): [before: Side, after: Side] {
  const { before, after = before, pids, from, to } = compared;
  const isMoments = from !== undefined || to !== undefined;
  if (compared.after === undefined && pids.length < 2 && !isMoments)
    throw new UserError('Nothing to compare with: give a second capture, --from and --to, or --pid twice.', 2);
  if (pids.length > 2) throw new UserError('--pid can be given twice: two processes are compared.', 2);
  const isProcess = pids.length === 2;
  if (isMoments && (compared.after !== undefined || isProcess))
    throw new UserError('--from and --to compare two moments of one capture, with all of it or one --pid.', 2);
  if (isMoments && from === undefined) throw new UserError('--from is missing: the moment before.', 2);
  if (from !== undefined && parseTime(from, 1) === 0)
    throw new UserError(
      '--from 0 is the begin of the capture, when nothing is live: mp leaks --to shows what is later.',
      2,
    );
  const side = (path: string, pid: number | undefined, time: string | undefined): Side => ({
    path,
    selection: { ...selection, pid: pid ?? null, ...(isMoments ? momentOf(selection, time) : {}) },
    isProcess,
  });
  return [side(before, pids[0], from), side(after, pids[1] ?? pids[0], to)];
}

/** What was live then, unless another view was asked for: that of the time up to then. */
function momentOf({ view }: Selection, time: string | undefined): Partial<Selection> {
  const range = { from: '0', ...(time === undefined ? {} : { to: time }) };
  return { range, isMoment: true, view: view === 'high_watermark' ? 'leaks' : view };
}

/** Runs `report` on a side, with the name of its part. */
export function withSide<T>(
  { path, selection, isProcess }: Side,
  report: (capture: Capture, part: string) => T,
): Promise<T> {
  return withCapture(path, selection, (capture) => {
    const parts = [...(isProcess ? [nameOf(capture.facts, selection.pid!)] : []), ...momentIn(capture.facts)];
    return report(
      isProcess ? { ...capture, source: ofProcess(capture.source, selection.pid!) } : capture,
      parts.join(', '),
    );
  });
}

/** The same for whoever asks for the sites of all processes. */
function ofProcess(source: Source, pid: number): Source {
  return {
    all: (query, parameters) => source.all(query, { ...parameters, pid }),
    iterate: (query, parameters) => source.iterate(query, { ...parameters, pid }),
    columns: (query, fields, parameters) => source.columns(query, fields, { ...parameters, pid }),
  };
}

function nameOf({ processes }: Facts, pid: number): string {
  return `process ${processName(processes.find((process) => process.pid === pid) ?? { pid, comm: null })}`;
}

function momentIn({ window }: Facts): string[] {
  if (window === undefined) return [];
  if (window.to_ns === null) return ['at the end'];
  return [`at ${(isExact(window.interval_ns) ? formatExactSeconds : formatSeconds)(window.to_ns)}`];
}

/** What both sides have in common. */
export function commonSelection([before]: readonly [Side, Side]): Selection {
  const { range: _range, ...selection } = before.selection;
  return { ...selection, pid: before.isProcess ? null : selection.pid };
}

/** @throws UserError if the moments are not one after the other. */
export function checkMoments(before: Facts, after: Facts, { from, to }: Compared): void {
  if (before.window === undefined || after.window === undefined) return;
  const [first, last] = [before.window.to_ns ?? Infinity, after.window.to_ns ?? Infinity];
  if (first >= last)
    throw new UserError(`--from ${from} is not before ${to === undefined ? 'the end' : `--to ${to}`}.`);
}
