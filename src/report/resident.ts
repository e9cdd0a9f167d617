/**
 * Where the resident memory of a process was: at the first moment that was looked at, at that of most, and at the last.
 * Buffers are what is known to be live of recorded blocks; the kernel knows only memory in which they and everything else
 * that malloc and mmap give lie:
 *
 *     heap (brk) 4 MiB + anonymous memory 290 MiB   =   Buffers 280 MiB, which were recorded + other native memory 14 MiB
 */
import { formatBytes, formatDuration, formatPlural, wrap } from '../util/format.ts';
import { type Column, renderTable } from '../util/table.ts';
import type { ProcessFacts } from './facts.ts';
import { type Layout, processName } from './header.ts';
import { type Capture, styledTable } from './report.ts';
import type { Selection } from './selection.ts';
import type { ResidentRow } from './source.ts';

/** Processes that are shown, those with most resident memory, unless one is asked for. */
const SHOWN_PROCESSES = 3;
/** Parts that made up less of the growth are not named. */
const NAMED_SHARE = 0.1;
/** The moment of most memory was looked at, more or less. */
const SEEN_SHARE = 0.9;
/** Growth by less is none. */
const MIN_GROWTH = 1024 * 1024;
const MIN_GROWTH_SHARE = 0.05;

export interface ResidentProcess {
  process_id: number;
  pid: number;
  first: ResidentRow;
  most: ResidentRow;
  last: ResidentRow;
  /** Since when V8's heap has been as large as at the end, give or take a tenth; null: there is none, or it is not. */
  v8_heap_flat_since_ns: number | null;
}

/** One part of the resident memory. */
interface Part {
  title: string;
  bytes(row: ResidentRow): number;
}

const native = (row: ResidentRow) => row.brk_bytes + row.anonymous_bytes;
/** Not all of a Buffer need be resident. */
const buffers = (row: ResidentRow) => Math.min(row.live_buffer_bytes ?? 0, native(row));

const BUFFERS = 'Buffers';
/** Of a process that was attached to: older ones are other native memory. */
const NEW_BUFFERS = 'Buffers since tracing began';

const V8_PARTS: Part[] = [
  { title: "V8's heap", bytes: (row) => row.v8_heap_bytes ?? 0 },
  { title: "V8's compiled code", bytes: (row) => row.jit_code_bytes },
  { title: BUFFERS, bytes: buffers },
  { title: 'other native memory', bytes: (row) => native(row) - buffers(row) },
];
const NATIVE_PARTS: Part[] = [
  { title: "malloc's heap (brk)", bytes: (row) => row.brk_bytes },
  { title: 'other anonymous memory', bytes: (row) => row.anonymous_bytes },
  { title: 'compiled code (JIT)', bytes: (row) => row.jit_code_bytes },
];
const COMMON_PARTS: Part[] = [
  { title: 'stacks of threads', bytes: (row) => row.stack_bytes },
  { title: 'mapped files', bytes: (row) => row.file_bytes },
  { title: 'shared memory', bytes: (row) => row.shared_bytes },
];

const hasV8 = ({ first, most, last }: ResidentProcess) => [first, most, last].some((row) => row.v8_heap_bytes !== null);

function partsOf(process: ResidentProcess): Part[] {
  return [...(hasV8(process) ? V8_PARTS : NATIVE_PARTS), ...COMMON_PARTS];
}

/** Biggest first. Empty for captures of versions that did not record it. */
export function residentProcesses({ source }: Capture, selection: Selection): ResidentProcess[] {
  const rowsOf = new Map<number, ResidentRow[]>();
  for (const row of source.all('residents', selection)) {
    const rows = rowsOf.get(row.process_id);
    if (rows === undefined) rowsOf.set(row.process_id, [row]);
    else rows.push(row);
  }
  const processes = [...rowsOf.values()].map((rows) => {
    const [first, last] = [rows[0]!, rows.at(-1)!];
    const most = rows.reduce((a, b) => (b.rss_bytes >= a.rss_bytes ? b : a));
    const { process_id, pid } = first;
    return { process_id, pid, first, most, last, v8_heap_flat_since_ns: flatSince(rows) };
  });
  return processes.sort((a, b) => b.most.rss_bytes - a.most.rss_bytes || a.process_id - b.process_id);
}

function flatSince(rows: ResidentRow[]): number | null {
  const end = rows.at(-1)!.v8_heap_bytes ?? 0;
  if (end === 0) return null;
  let since = rows.length - 1;
  while (since > 0 && Math.abs((rows[since - 1]!.v8_heap_bytes ?? 0) - end) <= end / 10) since--;
  return since === rows.length - 1 ? null : rows[since]!.time_ns;
}

/** Lines of the report; none if nothing was recorded. */
export function residentLines(capture: Capture, selection: Selection, layout: Layout): string[] {
  const processes = residentProcesses(capture, selection);
  const shown = selection.pid === null ? processes.slice(0, SHOWN_PROCESSES) : processes;
  const left = processes.length - shown.length;
  return [
    ...shown.flatMap((process) => {
      const facts = capture.facts.processes.find(({ id }) => id === process.process_id);
      // of a program that was over at once nothing can be said
      const isOver = process.first === process.last && facts?.ended_ns !== null;
      return facts === undefined || isOver ? [] : [...processLines(process, facts, layout), ''];
    }),
    ...(left > 0 ? [`${formatPlural(left, 'more process', 'more processes')} not shown; --pid shows one`, ''] : []),
  ];
}

function processLines(process: ResidentProcess, facts: ProcessFacts, layout: Layout): string[] {
  const moments = momentsOf(process);
  const isAttached = facts.origin === 'attach';
  const right = (title: string): Column => ({ title, align: 'right' });
  const columns = [
    { title: `Resident memory of ${processName(facts)}` },
    ...moments.map(({ title, row }) => right(`${title} ${formatDuration(row.time_ns)}`)),
  ];
  const cells = (title: string, bytes: (row: ResidentRow) => number) => [
    title,
    ...moments.map(({ row }) => formatBytes(bytes(row))),
  ];
  const parts = partsOf(process).filter(({ bytes }) => moments.some(({ row }) => bytes(row) > 0));
  const rows = [
    ...parts.map(({ title, bytes }) => cells(title === BUFFERS && isAttached ? NEW_BUFFERS : title, bytes)),
    cells('together (RSS)', (row) => row.rss_bytes),
  ];
  const sentences = [growthSentence(process), unseenSentence(process), untouchedSentence(process, facts)].filter(
    (text) => text !== '',
  );
  return [
    ...styledTable(renderTable(columns, rows, layout.columns), layout),
    ...sentences.flatMap((text) => wrap(text, layout.columns)),
  ];
}

function momentsOf({ first, most, last }: ResidentProcess): { title: string; row: ResidentRow }[] {
  if (first === last) return [{ title: 'at', row: first }];
  if (most === first)
    return [
      { title: 'first and most, at', row: first },
      { title: 'last, at', row: last },
    ];
  if (most === last)
    return [
      { title: 'first, at', row: first },
      { title: 'most and last, at', row: last },
    ];
  return [
    { title: 'first, at', row: first },
    { title: 'most, at', row: most },
    { title: 'last, at', row: last },
  ];
}

/** What grew up to the moment of most, and what V8's heap did. */
export function growthSentence(process: ResidentProcess): string {
  const { first, most } = process;
  const growth = most.rss_bytes - first.rss_bytes;
  if (first === process.last) return '';
  if (growth < Math.max(MIN_GROWTH, first.rss_bytes * MIN_GROWTH_SHARE)) return 'RSS did not grow.';
  const grown = partsOf(process)
    .map(({ title, bytes }) => ({ title, bytes: bytes(most) - bytes(first) }))
    .sort((a, b) => b.bytes - a.bytes);
  const named = grown.filter(({ bytes }) => bytes >= growth * NAMED_SHARE);
  const list = named.map(({ title, bytes }) => `${title} by ${formatBytes(bytes)}`).join(', ');
  return `RSS grew by ${formatBytes(growth)}: ${list}.${hasV8(process) ? heapSentence(process, growth) : ''}`;
}

function heapSentence({ first, most, v8_heap_flat_since_ns: since }: ResidentProcess, growth: number): string {
  const heapGrowth = (most.v8_heap_bytes ?? 0) - (first.v8_heap_bytes ?? 0);
  const flat = since !== null && since < most.time_ns ? ` and has been flat since ${formatDuration(since)}` : '';
  if (heapGrowth >= growth * NAMED_SHARE)
    return flat === '' ? '' : ` V8's heap has been flat since ${formatDuration(since!)}.`;
  return ` V8's heap did not: it grew by ${formatBytes(Math.max(0, heapGrowth))}${flat}.`;
}

/** A process that grows fast, or is large, is not looked at in each of its moments. */
function unseenSentence({ most }: ResidentProcess): string {
  if (most.rss_bytes >= most.largest_rss_bytes * SEEN_SHARE) return '';
  return `RSS was ${formatBytes(most.largest_rss_bytes)} at another moment; what it was used for then was not looked at.`;
}

/** Why a table can show more than there was. */
function untouchedSentence({ most }: ResidentProcess, facts: ProcessFacts): string {
  if (facts.peak_bytes <= most.rss_bytes) return '';
  return (
    `The high watermark, ${formatBytes(facts.peak_bytes)}, counts mappings with the size that was asked for. ` +
    `${formatBytes(most.untouched_bytes)} of address space were not resident: reserved, or not touched.`
  );
}
