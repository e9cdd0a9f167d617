/** The lines above every text report: what was recorded, and how far its numbers can be trusted. */
import {
  cutEnd,
  formatBytes,
  formatCount,
  formatDuration,
  formatExactBytes,
  formatPlural,
  printable,
  wrap,
} from '../util/format.ts';
import type { Style } from '../util/output.ts';
import type { Facts, ProcessFacts } from './facts.ts';
import { lossEffect, lossLines } from './losses.ts';
import { type Selection, selectionTitle } from './selection.ts';
import { isFilter } from './stack-filter.ts';
import { windowTitle } from './time-range.ts';

export interface Layout {
  columns: number;
  style: Style;
}

const SHOWN_PROCESSES = 5;

/** Header of a report; `selection` if the report is about one. Ends with an empty line. */
export function headerLines(facts: Facts, selection: Selection | null, layout: Layout): string[] {
  const { columns, style } = layout;
  const lines = [
    style.bold(cutEnd(captureName(facts), columns)),
    ...wrap(processLine(facts.processes), columns, '  '),
    `duration: ${formatDuration(facts.duration_ns)}${facts.started_at ? `, started ${facts.started_at}` : ''}`,
    ...(facts.window === undefined ? [] : wrap(`window: ${windowTitle(facts.window)}`, columns, '  ')),
    ...wrap(peakLine(facts), columns, '  '),
    ...trustLines(facts, layout),
    ...(selection === null ? [] : wrap(`view: ${selectionTitle(selection, facts)}`, columns, '  ')),
  ];
  return [...lines, ''];
}

/** How far the numbers can be trusted. */
export function trustLines(facts: Facts, layout: Layout): string[] {
  const { columns, style } = layout;
  return [
    ...statusLines(facts, columns).map(style.warn),
    ...facts.warnings.flatMap((warning) => wrap(`warning: ${printable(warning)}`, columns, '  ')).map(style.warn),
    ...facts.notes.flatMap((note) => wrap(`note: ${note}`, columns, '  ')),
    ...styledLosses(facts, layout),
  ];
}

/** The file, and what it is a capture of. */
export function captureName(facts: Facts): string {
  return `${printable(facts.capture)}: ${target(facts)}`;
}

function target(facts: Facts): string {
  if (facts.command_line !== '') return printable(facts.command_line);
  return printable(facts.processes[0]?.command_line ?? facts.processes[0]?.comm ?? 'nothing was traced');
}

function processLine(processes: ProcessFacts[]): string {
  const [only] = processes;
  if (only === undefined) return 'process: none';
  if (processes.length === 1) return `process: ${processName(only)}, ${processEnd(only)}`;
  const shown = processes.slice(0, SHOWN_PROCESSES).map(processName).join(', ');
  const more = processes.length > SHOWN_PROCESSES ? ` and ${processes.length - SHOWN_PROCESSES} more` : '';
  return `processes: ${processes.length}: ${shown}${more}`;
}

/** `1234 (python3)`. */
export function processName(process: Pick<ProcessFacts, 'pid' | 'comm'>): string {
  return `${process.pid} (${printable(process.comm ?? '?')})`;
}

/** How a process image ended, as far as the capture knows. */
export function processEnd(process: ProcessFacts): string {
  if (process.exit_signal !== null) return `killed by signal ${process.exit_signal}`;
  if (process.exit_code !== null) return `exit code ${process.exit_code}`;
  return process.ended_ns === null ? 'not seen to end' : 'replaced by exec';
}

function peakLine(facts: Facts): string {
  const several = facts.processes.filter((process) => process.peak_bytes > 0).length;
  const peak = `peak: ${formatExactBytes(facts.peak_bytes)}`;
  const total = `in total ${formatBytes(facts.allocated_bytes)} in ${formatPlural(facts.allocations, 'allocation')}`;
  if (several < 2) return `${peak}, ${total}`;
  return `${peak}, summed over ${formatCount(several)} processes (not one moment), ${total}`;
}

function statusLines(facts: Facts, columns: number): string[] {
  if (facts.status === 'complete') return [];
  const sentence =
    facts.status === 'recording'
      ? 'status: still recording; this is the state at the last commit'
      : 'status: recording was cut off; this is everything up to the last commit';
  return wrap(sentence, columns, '  ');
}

function styledLosses(facts: Facts, { columns, style }: Layout): string[] {
  const isSerious = Object.entries(facts.losses).some(([kind, count]) => count > 0 && lossEffect(kind) === 'numbers');
  return lossLines(facts.losses, columns).map((line) => (isSerious ? style.warn(line) : line));
}

/** What a report says when its selection is empty: the fixed sentence, then why if anything was recorded at all. */
export function emptyLines(facts: Facts, selection: Selection | null, { columns }: Layout): string[] {
  const sentence = 'No allocations were recorded.';
  if (facts.allocations === 0 || selection === null) return [sentence];
  const isPart = selection.pid !== null || selection.tid !== null || isFilter(selection);
  const all = formatPlural(facts.allocations, 'allocation');
  if (isPart) return [sentence, ...wrap(`The selection has none of the capture's ${all}.`, columns)];
  if (selection.view === 'leaks') return [sentence, ...wrap(`Nothing leaked: of ${all}, all were freed.`, columns)];
  return [sentence, ...wrap(`None of the capture's ${all} is in this view.`, columns)];
}
