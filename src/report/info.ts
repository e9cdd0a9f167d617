/** Everything a capture knows about itself: facts, processes, losses with their meaning. */
import { cutEnd, formatBytes, formatCount, formatDuration, printable, wrap } from '../util/format.ts';
import { type Column, renderColumns, renderTable } from '../util/table.ts';
import type { ProcessFacts } from './facts.ts';
import { headerLines, type Layout, processEnd } from './header.ts';
import { type Effect, lossEffect, lossMeaning } from './losses.ts';
import { processTree } from './process-tree.ts';
import { type Capture, jsonReport, styledTable } from './report.ts';

const AFFECTS: Record<Effect, string> = { numbers: 'numbers', stacks: 'stacks', information: 'nothing' };

export function infoText(capture: Capture, layout: Layout): string {
  const { facts, source } = capture;
  const meta = source.all('meta').map((row) => [row.key, printable(row.value ?? '')]);
  const cut = (lines: string[]) => lines.map((line) => cutEnd(line, layout.columns));
  const section = (title: string, lines: string[]) => ['', layout.style.bold(title), ...lines];
  const lines = [
    ...headerLines(facts, null, layout).slice(0, -1),
    ...section(
      'Capture',
      cut(renderColumns([['status', facts.status], ...meta.filter(([key]) => key !== 'status')] as string[][], '  ')),
    ),
    ...section('Processes', processTable(facts.processes, layout)),
    ...section('Losses', lossTable(facts.losses, layout)),
  ];
  return `${lines.join('\n')}\n`;
}

/** `meta` as it is stored; losses with their meaning. */
export function infoJson({ facts, source }: Capture): string {
  return jsonReport(facts, null, {
    meta: Object.fromEntries(source.all('meta').map((row) => [row.key, row.value])),
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
