/** Which part of a capture a report is about: a view, and optionally one process or one thread. */
import { UserError } from '../util/errors.ts';
import { formatDuration, formatPlural, printable } from '../util/format.ts';
import type { SiteRow, Source } from './source.ts';
import type { StackFilter } from './stack-filter.ts';
import type { TimeRange, TimeWindow } from './time-range.ts';

export type View = 'high_watermark' | 'leaks' | 'temporary_allocations' | 'allocations' | 'v8_samples';

/** Up to here temporary allocations are known without single events. */
export const MAX_THRESHOLD = 16;

export interface Selection extends StackFilter {
  view: View;
  /** Of temporary allocations: freed after at most this many other allocations of their thread. */
  threshold: number;
  /** Null: all. */
  pid: number | null;
  tid: number | null;
  /** Not given: all of the capture. */
  range?: TimeRange;
  /** Leaks of a range from the begin of the capture on: what was live at its end. */
  isMoment?: true;
}

/** Sites of the selection, each with its part of the view. */
export function selectedSites(source: Source, selection: Selection): Iterable<SiteRow> {
  return source.iterate(`sites_${selection.view}`, selection);
}

export function viewTitle(view: View, threshold: number, isWindow = false): string {
  const explained = (isWindow && IN_WINDOW[view]) || explanation(view, threshold, isWindow);
  return `${VIEW_NAMES[view]} (${explained})`;
}

function explanation(view: View, threshold: number, isWindow: boolean): string {
  switch (view) {
    case 'high_watermark':
      return 'what was live when the process had most';
    case 'leaks':
      return 'allocated during the capture and not freed by its end';
    case 'allocations':
      return 'everything ever allocated, freed or not';
    case 'v8_samples':
      return "sampled: what was allocated in V8's heap, freed or not; an estimate, not part of any other figure";
    case 'temporary_allocations':
      return `${isWindow ? 'allocated in this time, and freed in it ' : 'freed '}after at most ${formatPlural(threshold, 'other allocation')} of the same thread`;
  }
}

/** The same without its explanation: `leaks, only process 42`. */
export function viewName(selection: Selection): string {
  return VIEW_NAMES[selection.view] + onlyOf(selection);
}

const VIEW_NAMES: Record<View, string> = {
  high_watermark: 'high watermark',
  leaks: 'leaks',
  temporary_allocations: 'temporary allocations',
  allocations: 'all allocations',
  v8_samples: 'JavaScript heap',
};

const IN_WINDOW: Partial<Record<View, string>> = {
  high_watermark: 'what was live when the process had most in this time, blocks from before included',
  leaks: 'allocated in this time and not freed by its end',
  allocations: 'everything allocated in this time, freed or not',
};

/** `facts` are those of the capture, narrowed to a range of time or not. */
export function selectionTitle(selection: Selection, { window }: { window?: TimeWindow }): string {
  if (selection.isMoment && selection.view === 'leaks')
    return `live (allocated up to that moment and not freed by then)${onlyOf(selection)}`;
  return viewTitle(selection.view, selection.threshold, window !== undefined) + onlyOf(selection);
}

function onlyOf({ pid, tid, include, exclude }: Selection): string {
  const only = [
    ...(pid === null ? [] : [`process ${pid}`]),
    ...(tid === null ? [] : [`thread ${tid}`]),
    ...(include === undefined ? [] : [`stacks with ${include.map(printable).join(' or ')}`]),
    ...(exclude === undefined ? [] : [`stacks without ${exclude.map(printable).join(' or ')}`]),
  ];
  return only.length > 0 ? `, only ${only.join(', ')}` : '';
}

/** @throws UserError if the capture has no such process or thread; the sentence names those that it has. */
export function checkSelection(source: Source, selection: Pick<Selection, 'pid' | 'tid'>): void {
  const { pid, tid } = selection;
  const processes = source.all('processes');
  if (pid !== null && !processes.some((process) => process.pid === pid)) {
    const known = processes.map((p) => `${p.pid} (${p.comm ?? '?'}, from ${formatDuration(p.started_ns)})`);
    throw new UserError(`The capture has no process ${pid}. It has: ${firstOf(known)}.`);
  }
  if (tid === null) return;
  const ids = new Set(processes.filter((process) => pid === null || process.pid === pid).map((process) => process.id));
  const threads = source.all('threads').filter((thread) => ids.has(thread.process_id));
  if (threads.some((thread) => thread.tid === tid)) return;
  const where = pid === null ? 'The capture' : `Process ${pid}`;
  throw new UserError(
    `${where} has no thread ${tid}. It has: ${firstOf(threads.map((t) => `${t.tid} (${t.name ?? '?'})`))}.`,
  );
}

const SHOWN = 10;

function firstOf(names: string[]): string {
  const shown = [...new Set(names)];
  if (shown.length === 0) return 'none';
  return shown.slice(0, SHOWN).join(', ') + (shown.length > SHOWN ? ` and ${shown.length - SHOWN} more` : '');
}
