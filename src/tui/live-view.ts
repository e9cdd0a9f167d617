/**
 * The screen of `mp live`, and what a click on it does:
 *
 *     mp live  mp-app.42.db                              ▂▄▆██      heap over time
 *     PID 42  CMD ./app                                ▂▆█████
 *     TID *  All threads  Samples 12  Duration 3.4 s   ███████
 *     Status recording, losses: none                   ███████
 *                                                      Heap 1.2 MiB (34% of 3.5 MiB max)
 *     Location          Total Bytes  % Total  …        the sorted heading is underlined
 *     load              1.200 MiB    99.87%
 *     ─ processes, output of the program …
 *     T Sort by Total  O Sort by Own  …
 */
import { cutEnd, cutStart, formatBytes, printable } from '../util/format.ts';
import { buttonsOf, footer, type Target } from './live-buttons.ts';
import type { LiveModel } from './live-model.ts';
import { plotLines } from './live-plot.ts';
import { processHeading, processLine } from './live-process-view.ts';
import { headingLine, rowLine } from './live-table-view.ts';
import type { Paint } from './paint.ts';

export interface LiveContext {
  paint: Paint;
  /** Whether the font has all blocks. */
  hasFineBlocks: boolean;
  /** Time of day, now if no other is given. */
  clock(at?: Date): string;
  shortenName(name: string, width: number): string;
  lossLine(losses: Record<string, number>): string;
  /** The last lines that the program wrote; null: they go elsewhere. */
  output: readonly string[] | null;
}

/** What is being done besides looking. */
export interface LiveMode {
  /** Text that is being typed; null: none is. */
  typing: string | null;
  /** Index of the process to be selected; null: the table has the keys. */
  processCursor: number | null;
  /** Said in the line of the status. */
  message: string;
  /** Which piece of a command line is shown that is longer than its line; counts on, around its end. */
  commandPiece: number;
}

export interface LiveScreen {
  /** As many as the screen has rows. */
  lines: string[];
  targets: Target[];
}

const SIDE_BY_SIDE = 100;
const PLOT_ROWS = 4;
const ROOMY_ROWS = 24;
const MAX_PROCESSES = 6;
const MIN_COMMAND = 8;
const COMMAND_LINE = 1;

/** Rows of the table on a screen of that size, for paging. */
export function liveHeight(model: LiveModel, columns: number, rows: number, context: LiveContext): number {
  return partsOf(model, columns, rows, context).table;
}

export function liveScreen(
  model: LiveModel,
  columns: number,
  rows: number,
  context: LiveContext,
  mode: LiveMode,
): LiveScreen {
  const { paint } = context;
  const parts = partsOf(model, columns, rows, context);
  const head = headLines(model, columns, parts.plot, context, mode);
  const heading = headingLine(model.sort, columns, paint, head.length);
  const top = model.scrolled(parts.table);
  const body = Array.from({ length: parts.table }, (_, i) => rowLine(model, top + i, columns, context));
  const rowTargets = body.flatMap((_, i) => rowTarget(model, top + i, head.length + 1 + i, columns));
  const processes = processLines(model, parts.processes, columns, context, mode, head.length + 1 + body.length);
  const output = outputLines(parts.output, columns, context);
  const above = [...head, heading.line, ...body, ...processes.lines, ...output];
  const buttons = footer(buttonsOf(model), columns, above.length);
  const foot = mode.typing === null ? buttons.lines.map((line) => paint.dim(line)) : typingLines(mode.typing, columns);
  return {
    lines: [...above, ...foot].slice(0, rows),
    targets: [
      { line: COMMAND_LINE, from: 0, to: columns, key: 'c' },
      ...heading.targets,
      ...rowTargets,
      ...processes.targets,
      ...(mode.typing === null ? buttons.targets : []),
    ],
  };
}

interface Parts {
  plot: number;
  table: number;
  /** Of the list of processes, without its heading; 0: no list. */
  processes: number;
  /** Of the program's output, likewise. */
  output: number;
}

function partsOf(model: LiveModel, columns: number, rows: number, { output }: LiveContext): Parts {
  const isRoomy = rows >= ROOMY_ROWS;
  const plot = columns >= SIDE_BY_SIDE || isRoomy ? PLOT_ROWS : 2;
  const head = columns >= SIDE_BY_SIDE ? PLOT_ROWS + 1 : 4 + plot + 1;
  const processes =
    model.data.processes.size > 1 ? Math.min(model.data.processes.size, isRoomy ? MAX_PROCESSES : 2) : 0;
  const shown = output === null ? 0 : Math.max(2, Math.min(8, Math.floor((rows - 18) / 2)));
  const panes = (processes && processes + 1) + (shown && shown + 1);
  const foot = footer(buttonsOf(model), columns, 0).lines.length;
  return { plot, table: Math.max(1, rows - head - 1 - panes - foot), processes, output: shown };
}

function headLines(
  model: LiveModel,
  columns: number,
  plotRows: number,
  context: LiveContext,
  mode: LiveMode,
): string[] {
  const isWide = columns >= SIDE_BY_SIDE;
  const width = isWide ? Math.floor(columns * 0.55) : columns;
  const facts = factLines(model, width, context, mode);
  const plotWidth = isWide ? columns - width - 1 : columns;
  const { highestBytes } = model.timeline;
  const highest = Math.max(highestBytes, model.heapBytes);
  const values = model.timeline.columns(plotWidth, model.data.durationNs);
  const plot = plotLines(values, plotRows, highest, context.hasFineBlocks).map((line) => context.paint.share(line, 0));
  const percent = highest === 0 ? 0 : Math.round((model.heapBytes / highest) * 100);
  const heap = `Heap ${formatBytes(model.heapBytes)} (${percent}% of ${formatBytes(highest)} max)`;
  const caption = context.paint.bold(cutEnd(heap, plotWidth));
  if (!isWide) return [...facts, ...plot, caption];
  return [...facts, ' '.repeat(width)].map((line, i) => `${line} ${plot[i] ?? caption}`);
}

/** Four lines of that width. */
function factLines(model: LiveModel, width: number, context: LiveContext, mode: LiveMode): string[] {
  const { paint } = context;
  const { data } = model;
  const clock = context.clock(model.replay?.time);
  const title = cutEnd(`mp live  ${printable(data.capture)}`, width - clock.length - 2);
  const line = (text: string) => cutEnd(text, width).padEnd(width);
  const status = statusText(model, mode);
  const isSerious = (model.isDisconnected && model.replay === null) || model.paused !== null || mode.message !== '';
  return [
    `${paint.bold(title.padEnd(width - clock.length))}${clock}`,
    line(commandText(model, width, mode.commandPiece)),
    line(`${threadText(model)}  Samples ${model.samples}  Duration ${durationText(model)}`),
    (isSerious ? paint.warn : String)(line(`Status ${status}, ${context.lossLine(data.losses)}`)),
  ];
}

/** A piece of a long command line ends with the beginning of the next one. */
function commandText(model: LiveModel, width: number, piece: number): string {
  const title = `PID ${pidText(model)}  CMD `;
  const command = [...printable(model.data.commandLine)];
  const room = Math.max(MIN_COMMAND, width - title.length);
  if (command.length <= room) return `${title}${command.join('') || '???'}`;
  const step = room - 2;
  const from = (piece % Math.ceil((command.length - 2) / step)) * step;
  return `${title}${from === 0 ? '' : '…'}${command.slice(from === 0 ? 0 : from + 1).join('')}`;
}

export function durationText({ data, replay }: LiveModel): string {
  const seconds = (ns: number, digits: number) => (ns / 1e9).toFixed(digits);
  if (replay === null) return `${seconds(data.durationNs, 1)} seconds`;
  return `${seconds(replay.momentNs, 2)} of ${seconds(replay.endNs, 2)} seconds`;
}

function pidText(model: LiveModel): string {
  const { process, data } = model;
  if (process !== null)
    return `${data.processes.get(process.id)?.pid}${process.withChildren ? ' and its children' : ''}`;
  const [first, ...others] = data.runningProcesses;
  if (first === undefined) return '???';
  return others.length === 0 ? `${first.pid}` : `${first.pid} and ${others.length} more`;
}

function threadText(model: LiveModel): string {
  const { threads, thread } = model;
  if (thread === null) return 'TID *  All threads';
  const chosen = threads[thread];
  if (chosen === undefined) return 'TID ???';
  return `TID ${chosen.tid}  Thread ${thread + 1} of ${threads.length} (${printable(chosen.name)})`;
}

export function statusText(model: LiveModel, { message }: Pick<LiveMode, 'message'>): string {
  const { data, mark, filter } = model;
  const since = mark === null ? '' : `difference since ${(mark.timeNs / 1e9).toFixed(1)} s`;
  const states = {
    recording: 'recording',
    complete: 'the recording is complete',
    'cut off': 'the recording was cut off',
  };
  const parts = [
    message,
    model.replay?.text ??
      (model.isDisconnected ? 'Remote has disconnected' : model.paused === null ? states[data.status] : ''),
    model.paused === null ? '' : 'Table updates paused',
    model.showsDifference ? since : '',
    model.showsLeaks ? 'leak candidates: what never goes back to what it was, for 6 s or more' : '',
    filter === '' ? '' : `filter: ${printable(filter)}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function rowTarget(model: LiveModel, index: number, line: number, columns: number): Target[] {
  return model.rows[index] === undefined ? [] : [{ line, from: 0, to: columns, key: `row:${index}` }];
}

function processLines(
  model: LiveModel,
  height: number,
  columns: number,
  { paint }: LiveContext,
  { processCursor }: LiveMode,
  firstLine: number,
): LiveScreen {
  if (height === 0) return { lines: [], targets: [] };
  const all = model.processes;
  const at = processCursor ?? 0;
  const top = Math.max(0, Math.min(at - height + 1, all.length - height));
  const shown = all.slice(top, top + height);
  const list = shown.map((row, i) => {
    const line = processLine(model, row, columns, paint);
    return processCursor === top + i ? paint.cursor(line) : line;
  });
  const heading = processHeading(columns, all.length, processCursor !== null);
  return {
    lines: [paint.dim(heading), ...list, ...Array<string>(height - list.length).fill('')],
    targets: list.map((_, i) => ({ line: firstLine + 1 + i, from: 0, to: columns, key: `process:${top + i}` })),
  };
}

function outputLines(height: number, columns: number, { paint, output }: LiveContext): string[] {
  if (output === null) return [];
  const last = output.slice(-height).map((line) => cutEnd(printable(line), columns));
  return [
    paint.dim(`── Output ${'─'.repeat(columns)}`.slice(0, columns)),
    ...last,
    ...Array<string>(height).fill(''),
  ].slice(0, height + 1);
}

function typingLines(text: string, columns: number): string[] {
  const prompt = 'Filter (function or file; p: process): ';
  return [`${prompt}${cutStart(printable(text), Math.max(4, columns - prompt.length - 1))}█`.slice(0, columns), ''];
}
