/** Everything a capture knows about itself: facts, processes, losses with their meaning. */
import { cutEnd, cutStart, formatBytes, formatCount, formatDuration, printable, wrap } from '../util/format.ts';
import { formatAddress } from '../util/snapshot-address.ts';
import { type Column, renderColumns, renderTable } from '../util/table.ts';
import type { ProcessFacts } from './facts.ts';
import { headerLines, type Layout, processEnd } from './header.ts';
import { type Effect, lossEffect, lossMeaning } from './losses.ts';
import { processTree } from './process-tree.ts';
import { type Capture, jsonReport, styledTable } from './report.ts';
import type { SnapshotRow } from './source.ts';

const AFFECTS: Record<Effect, string> = { numbers: 'numbers', stacks: 'stacks', information: 'nothing' };

export function infoText(capture: Capture, layout: Layout): string {
  const { facts, source } = capture;
  const meta = source.all('meta').map((row) => [row.key, printable(row.value ?? '')]);
  const snapshots = source.all('snapshots');
  const cut = (lines: string[]) => lines.map((line) => cutEnd(line, layout.columns));
  const section = (title: string, lines: string[]) => ['', layout.style.bold(title), ...lines];
  const lines = [
    ...headerLines(facts, null, layout).slice(0, -1),
    ...section(
      'Capture',
      cut(renderColumns([['status', facts.status], ...meta.filter(([key]) => key !== 'status')] as string[][], '  ')),
    ),
    ...section('Processes', processTable(facts.processes, layout)),
    ...(snapshots.length === 0 ? [] : section('Snapshots', snapshotTable(snapshots, facts.capture, layout))),
    ...section('Losses', lossTable(facts.losses, layout)),
  ];
  return `${lines.join('\n')}\n`;
}

/** `meta` as it is stored; losses with their meaning. */
export function infoJson({ facts, source }: Capture): string {
  return jsonReport(facts, null, {
    meta: Object.fromEntries(source.all('meta').map((row) => [row.key, row.value])),
    snapshots: source.all('snapshots'),
    losses: Object.entries(facts.losses).map(([kind, count]) => ({
      kind,
      count,
      meaning: lossMeaning(kind),
      effect: lossEffect(kind),
    })),
  });
}

function processTable(processes: ProcessFacts[], layout: Layout): string[] {
  if (processes.length === 0) return ['No process was traced.'];
  const columns: Column[] = [
    { title: 'PID', align: 'right' },
    { title: 'Origin' },
    { title: 'Lifetime' },
    { title: 'Allocations', align: 'right' },
    { title: 'Peak', align: 'right' },
    { title: 'Leaked', align: 'right' },
    { title: 'End' },
    { title: 'Command line', shorten: cutEnd },
  ];
  const rows = processTree(processes).map(({ process, depth, origin, started_ns }) => [
    String(process.pid),
    origin,
    process.ended_ns === null ? '' : formatDuration(process.ended_ns - started_ns),
    formatCount(process.allocations),
    formatBytes(process.peak_bytes),
    formatBytes(process.leaked_bytes),
    processEnd(process),
    '  '.repeat(depth) + printable(process.command_line || process.executable || process.comm || '?'),
  ]);
  return styledTable(renderTable(columns, rows, layout.columns), layout);
}

/** Those inside the capture, by the addresses that commands take. */
function snapshotTable(snapshots: SnapshotRow[], capture: string, layout: Layout): string[] {
  const columns: Column[] = [
    { title: 'Address', shorten: cutStart },
    { title: 'Time', align: 'right' },
    { title: 'Live', align: 'right' },
    { title: 'Blocks', align: 'right' },
    { title: 'Reason' },
  ];
  const rows = snapshots.map(({ id, time_ns, live_bytes, live_allocations, reason, traces }) => [
    formatAddress(printable(capture), id),
    `${(time_ns / 1e9).toFixed(2)} s`,
    formatBytes(live_bytes),
    formatCount(live_allocations),
    traces === 1 ? `${reason}, with blocks` : reason,
  ]);
  return styledTable(renderTable(columns, rows, layout.columns), layout);
}

/** The meaning is wrapped beside its row: it says more than fits a line. */
function lossTable(losses: Record<string, number>, layout: Layout): string[] {
  const kinds = Object.keys(losses);
  if (kinds.length === 0) return ['Not counted yet.'];
  const columns: Column[] = [{ title: 'Count', align: 'right' }, { title: 'Kind' }, { title: 'Affects' }];
  const rows = kinds.map((kind) => [formatCount(losses[kind]!), kind, AFFECTS[lossEffect(kind)]]);
  const { titles, rule, rows: lines } = renderTable(columns, rows, layout.columns);
  const left = rule.length + 2;
  const width = Math.max(20, layout.columns - left);
  const meanings = kinds.map((kind) => wrap(lossMeaning(kind), width));
  const withMeaning = lines.flatMap((line, i) =>
    meanings[i]!.map((part, k) => (k === 0 ? line : '').padEnd(left) + part),
  );
  const table = {
    titles: [`${titles[0]!.padEnd(left)}Meaning`],
    rule: `${rule}  ${'─'.repeat(width)}`,
    rows: withMeaning,
  };
  return styledTable(table, layout);
}
