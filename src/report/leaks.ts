/** Never-freed memory by stack: what to look at first, with the whole way that led there. */
import { formatBytes, formatCount, formatPercent, formatPlural, printable, shortenPath, wrap } from '../util/format.ts';
import { remembered } from '../util/remembered.ts';
import type { Facts } from './facts.ts';
import { type Layout, processName } from './header.ts';
import { shortenLocation, shortenName } from './names.ts';
import { type Capture, jsonReport, moreLine, textReport } from './report.ts';
import { type Selection, selectedSites } from './selection.ts';
import { type FrameOptions, ShownStacks } from './shown-stacks.ts';
import type { FrameRow, SiteRow } from './source.ts';
import { frameFunction, frameLocation, framesOf, type LinkedFrame, lineAmong, NO_STACK } from './stacks.ts';

export class Leak {
  readonly process_id: number;
  readonly pid: number;
  readonly allocator: string;
  bytes = 0;
  allocations = 0;
  /** Of stacks that look alike, the first that was recorded. */
  stack_id: number | null;
  readonly #innermost: LinkedFrame | null;

  constructor(pid: number, { process_id, allocator, stack_id }: SiteRow, innermost: LinkedFrame | null) {
    this.process_id = process_id;
    this.pid = pid;
    this.allocator = allocator;
    this.stack_id = stack_id;
    this.#innermost = innermost;
  }

  /** The frames that are shown, innermost first. Made when asked for: there are many leaks, and few are shown. */
  get stack(): FrameRow[] {
    return framesOf(this.#innermost);
  }
}

/** One entry per process, allocator and stack as shown, biggest first; threads are added up. */
export function findLeaks(
  { source, facts }: Capture,
  selection: Selection,
  frames: FrameOptions = {},
  counts: (site: SiteRow) => boolean = () => true,
): Leak[] {
  const stacks = new ShownStacks(source, frames);
  const pids = new Map(facts.processes.map((process) => [process.id, process.pid]));
  const leaks: Leak[] = [];
  const leaksOf = remembered((_owner: string) => new Map<LinkedFrame | number | null, Leak>());
  for (const site of selectedSites(source, selection)) {
    if (!counts(site)) continue;
    const { process_id, allocator, stack_id } = site;
    const innermost = stacks.innermost(stack_id);
    const byOwner = leaksOf(`${process_id} ${allocator}`);
    const key = innermost ?? stack_id;
    let leak = byOwner.get(key);
    if (leak === undefined) {
      leak = new Leak(pids.get(process_id) ?? 0, site, innermost);
      byOwner.set(key, leak);
      leaks.push(leak);
    }
    leak.bytes += site.bytes;
    leak.allocations += site.allocations;
    if (stack_id !== null) leak.stack_id = Math.min(stack_id, leak.stack_id ?? stack_id);
  }
  return leaks.sort(
    (a, b) => b.bytes - a.bytes || b.allocations - a.allocations || (a.stack_id ?? 0) - (b.stack_id ?? 0),
  );
}

/** Why live memory need not be leaked here; empty for a process that was seen from its start to its end. */
export function leakCaveats(facts: Facts, selection: Selection): string[] {
  const processes = facts.processes.filter((p) => selection.pid === null || p.pid === selection.pid);
  const running = processes.filter((p) => p.ended_ns === null && p.leaked_allocations > 0);
  const names = running.map(processName).join(', ');
  const caveats: string[] = [];
  if (facts.window && facts.window.to_ns !== null) {
    caveats.push('Not necessarily leaked: what was freed after this time is in this list.');
  } else if (running.length > 0) {
    const when = facts.status === 'complete' ? 'when recording ended' : 'at the last commit';
    caveats.push(`Not necessarily leaked: ${names} had not ended ${when} and may still free this memory.`);
  }
  if (processes.some((p) => p.origin === 'attach')) {
    caveats.push('Blocks from before the tracer attached are not in this list.');
  }
  if ((facts.losses.ring_dropped ?? 0) > 0) {
    caveats.push('Events were lost: a block whose free was lost is listed here although it was freed.');
  }
  return caveats;
}

export interface LeakOptions extends FrameOptions {
  maxRows: number;
  /** Of each stack. */
  maxFrames: number;
}

export function leaksText(capture: Capture, selection: Selection, options: LeakOptions, layout: Layout): string {
  const { facts } = capture;
  const leaks = findLeaks(capture, selection, options);
  if (leaks.length === 0) return textReport(facts, selection, [], layout);
  const total = leaks.reduce((sum, leak) => sum + leak.bytes, 0);
  const allocations = leaks.reduce((sum, leak) => sum + leak.allocations, 0);
  const shown = leaks.slice(0, options.maxRows);
  const rest = leaks.slice(options.maxRows);
  const restBytes = rest.reduce((sum, leak) => sum + leak.bytes, 0);
  const hasSeveral = new Set(leaks.map((leak) => leak.process_id)).size > 1;
  const body = [
    `${formatBytes(total)} in ${formatPlural(allocations, 'allocation')} never freed, from ${formatPlural(leaks.length, 'stack')}`,
    ...leakCaveats(facts, selection).flatMap((caveat) => wrap(caveat, layout.columns)),
    ...shown.flatMap((leak, i) => leakLines(leak, i + 1, total, hasSeveral, options.maxFrames, layout)),
    ...moreLine(
      `${formatPlural(rest.length, 'more stack')}: ${formatBytes(restBytes)}; -n sets how many are shown`,
      rest.length,
    ),
  ];
  return textReport(facts, selection, body, layout);
}

export function leaksJson(capture: Capture, selection: Selection, options: Omit<LeakOptions, 'maxFrames'>): string {
  const leaks = findLeaks(capture, selection, options);
  return jsonReport(capture.facts, selection, {
    caveats: leakCaveats(capture.facts, selection),
    leaks: leaks.slice(0, options.maxRows).map(leakJson),
  });
}

export function leakJson(leak: Leak): object {
  const stack = leak.stack.map(({ id: _id, inlined, ...frame }) => ({ ...frame, inlined: inlined !== 0 }));
  return { ...leak, stack };
}

export function leakLines(
  leak: Leak,
  rank: number,
  total: number,
  withProcess: boolean,
  maxFrames: number,
  layout: Layout,
): string[] {
  const process = withProcess ? `, process ${leak.pid}` : '';
  const count = `${formatCount(leak.allocations)} × ${leak.allocator}`;
  const head = `#${rank}  ${formatBytes(leak.bytes)}  ${formatPercent(leak.bytes, total)}  ${count}${process}`;
  const { stack } = leak;
  const frames = stack.slice(0, maxFrames);
  const left = stack.length - frames.length;
  return [
    '',
    layout.style.bold(head + leakPlace(stack, layout.columns - head.length)),
    ...(stack.length === 0 ? [`    ${NO_STACK}`] : frameLines(frames, layout)),
    ...(left > 0 ? [layout.style.dim(`    … ${formatPlural(left, 'more frame')}`)] : []),
  ];
}

/** The Python or JavaScript line to which a leak is attributed, if other frames stand above it. */
function leakPlace(stack: FrameRow[], width: number): string {
  const place = lineAmong(stack);
  if (place === undefined || place === stack[0]) return '';
  const location = frameLocation(place);
  const text = printable(frameFunction(place) + (location === '' ? '' : ` at ${location}`));
  return `  in ${shortenLocation(text, Math.max(MIN_PLACE, width - '  in '.length))}`;
}

const MIN_PLACE = 20;
const INDENT = '    ';

/** Functions in one column, places in the next; a function that needs more room than half the line is shortened. */
function frameLines(frames: FrameRow[], { columns, style }: Layout): string[] {
  const names = frames.map((frame) => printable(frameFunction(frame)) + (frame.inlined ? ' (inlined)' : ''));
  const places = frames.map((frame) => printable(frameLocation(frame)));
  const room = columns - INDENT.length - 2;
  const placeWidth = Math.min(Math.max(...places.map((place) => place.length)), Math.floor(room / 2));
  const nameWidth = Math.min(Math.max(...names.map((name) => name.length)), room - placeWidth);
  return names.map((name, i) => {
    const place = shortenPath(places[i]!, room - nameWidth);
    return `${INDENT}${shortenName(name, nameWidth).padEnd(nameWidth)}  ${style.dim(place)}`.trimEnd();
  });
}
