/** What the report commands share: their options, how they open a capture and where their output goes. */
import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type CaptureStatus, readFacts } from '../../report/facts.ts';
import type { Layout } from '../../report/header.ts';
import type { Capture } from '../../report/report.ts';
import { checkSelection, MAX_THRESHOLD, type Selection, type View } from '../../report/selection.ts';
import type { FrameOptions } from '../../report/shown-stacks.ts';
import { filtered } from '../../report/stack-filter.ts';
import { parseTime } from '../../report/time-range.ts';
import { StoreError, UserError } from '../../util/errors.ts';
import type { Content } from '../../util/new-file.ts';
import { type Output, streamOutput, styleOf, writeOutputFile } from '../../util/output.ts';
import type { Part } from './narrow.ts';

/** Values of the common options as commander gives them. */
export interface ReportOptions extends FrameOptions {
  leaks?: boolean;
  temporaryAllocations?: boolean;
  temporaryAllocationThreshold?: number;
  all?: boolean;
  jsHeap?: boolean;
  pid?: number;
  thread?: number;
  from?: string;
  to?: string;
  include?: string[];
  exclude?: string[];
  output?: string;
  force?: boolean;
  json?: boolean;
}

let standardOutput: Output | undefined;

/** The output of a command that was not given another one. */
export function defaultOutput(): Output {
  standardOutput ??= streamOutput(process.stdout, process.stderr, process.env);
  return standardOutput;
}

/** `--leaks`, `--temporary-allocations`, `--temporary-allocation-threshold N`, `--all`, `--js-heap`: one, or none. */
export function addViewOptions(command: Command): Command {
  const views = ['leaks', 'temporaryAllocations', 'temporaryAllocationThreshold', 'all', 'jsHeap'];
  const exclusive = (option: Option) => option.conflicts(views.filter((view) => view !== option.attributeName()));
  return command
    .optionsGroup('View (default: the high watermark):')
    .addOption(exclusive(new Option('--leaks', 'what was not freed, instead of the high watermark')))
    .addOption(exclusive(new Option('--temporary-allocations', 'what was freed after at most one other allocation')))
    .addOption(
      exclusive(
        new Option(
          '--temporary-allocation-threshold <N>',
          `what was freed after at most N other allocations (0 to ${MAX_THRESHOLD}; any N if recorded with --events)`,
        ).argParser(parseNumber),
      ),
    )
    .addOption(exclusive(new Option('--all', 'everything ever allocated')))
    .addOption(
      exclusive(
        new Option('--js-heap', "what JavaScript allocated in V8's heap: samples, which no other view or sum contains"),
      ),
    );
}

const PART = 'Part of the capture:';

/** `--pid`, `--thread`, `--include`, `--exclude`, `--from` and `--to`. */
export function addPartOptions(command: Command): Command {
  return addRangeOptions(addFilterOptions(addIdOptions(command)));
}

/** `--pid` and `--thread`. */
export function addIdOptions(command: Command): Command {
  return command
    .optionsGroup(PART)
    .option('--pid <PID>', 'only this process', parseNumber)
    .option('--thread <TID>', 'only this thread', parseNumber);
}

/** `--include` and `--exclude`. */
export function addFilterOptions(command: Command): Command {
  return command
    .optionsGroup(PART)
    .option(
      '--include <PATTERN>',
      'only stacks with such a function, file or module: a part of its name, * for anything, ^ and $ for begin and end; ' +
        'several times: with any of them',
      append,
    )
    .option('--exclude <PATTERN>', 'only stacks without', append);
}

/** The value of an option that may be given several times. */
export function append(value: string, values: string[] = []): string[] {
  return [...values, value];
}

/** `--no-native`, `--native-machinery`: one of them, or none. */
export function addFrameOptions(command: Command): Command {
  return command
    .optionsGroup('Frames:')
    .option('--no-native', 'hide native frames of stacks that have Python or JavaScript frames (default: shown)')
    .addOption(
      new Option(
        '--native-machinery',
        'show the native frames with which Python and Node make their calls, as _PyEval_EvalFrameDefault and ' +
          'Builtins_JSEntry (default: folded)',
      ).conflicts('native'),
    )
    .addHelpText(
      'after',
      "\nMemory counts for the innermost Python or JavaScript line of its stack, if it has any. Node's own lines (node:…)\n" +
        'are shown, but stand for a stack only if it has no other.',
    );
}

/** What is selected, and how its stacks are shown. */
export function addSelectionOptions(command: Command): Command {
  return addFrameOptions(addPartOptions(addViewOptions(command)));
}

export function addRangeOptions(command: Command): Command {
  return command
    .optionsGroup(PART)
    .option('--from <TIME>', 'only from this time of the capture on: 1.25, 90s, 1500ms, 2m, 50%', checkTime)
    .option('--to <TIME>', 'only up to this time', checkTime);
}

export function addOutputOptions(command: Command, withJson = true): Command {
  command.optionsGroup('Output:');
  if (withJson) command.option('--json', 'print JSON');
  return command.option('-o, --output <FILE>', 'write to FILE').option('-f, --force', 'overwrite FILE if it exists');
}

export function addExample(command: Command, ...lines: string[]): Command {
  return command.addHelpText('after', `\n${lines.length > 1 ? 'Examples' : 'Example'}:\n  ${lines.join('\n  ')}`);
}

/** A whole number that is not negative. */
export function parseNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

export function parsePositive(text: string): number {
  const value = parseNumber(text);
  if (value === 0) throw new InvalidArgumentError('It must be at least 1.');
  return value;
}

/** The number of a column, from 1. */
export function parseSortColumn(count: number): (text: string) => number {
  return (text) => {
    const value = parseNumber(text);
    if (value < 1 || value > count) throw new InvalidArgumentError(`It must be from 1 to ${count}.`);
    return value;
  };
}

export function checkTime(text: string): string {
  if (parseTime(text, 0) === null) throw new InvalidArgumentError('Give a time as 1.25, 90s, 1500ms, 2m or 50%.');
  return text;
}

export function selectionOf(options: ReportOptions): Selection {
  return {
    view: viewOf(options),
    threshold: options.temporaryAllocationThreshold ?? 1,
    pid: options.pid ?? null,
    tid: options.thread ?? null,
    ...rangeOf(options),
    ...(options.include === undefined ? {} : { include: options.include }),
    ...(options.exclude === undefined ? {} : { exclude: options.exclude }),
  };
}

export function rangeOf({ from, to }: Pick<ReportOptions, 'from' | 'to'>): Pick<Selection, 'range'> {
  if (from === undefined && to === undefined) return {};
  return { range: { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) } };
}

function viewOf(options: ReportOptions): View {
  if (options.leaks) return 'leaks';
  if (options.all) return 'allocations';
  if (options.jsHeap) return 'v8_samples';
  const isTemporary = options.temporaryAllocations || options.temporaryAllocationThreshold !== undefined;
  return isTemporary ? 'temporary_allocations' : 'high_watermark';
}

/**
 * Runs `report` on one consistent state of the capture.
 * @throws UserError if the file can't be read or has no such process, thread or range of time.
 */
export async function withCapture<T>(
  path: string,
  part: Pick<Selection, 'pid' | 'tid' | 'include' | 'exclude'> & Part,
  report: (capture: Capture) => T,
): Promise<T> {
  // Loaded late: `mp --help` needs no database driver.
  const { openReader } = await import('../../store/db.ts');
  const { Reader } = await import('../../store/reader.ts');
  const { narrowed } = await import('./narrow.ts');
  const db = openReader(path);
  try {
    return db.transaction(() => {
      const source = new Reader(db);
      const meta = new Map(source.all<{ key: string; value: string }>('meta').map((row) => [row.key, row.value]));
      checkSelection(source, part);
      const facts = readFacts(source, path, captureStatus(meta, path));
      return report(filtered(narrowed(part, db, facts), part));
    });
  } catch (error) {
    if (error instanceof StoreError) throw new UserError(`Failed to read capture ${path}: ${error.message}`);
    throw error;
  } finally {
    db.close();
  }
}

/** A recorder commits several times a second; a log that rests for longer has lost its recorder. */
const QUIET_MS = 5000;

export function captureStatus(meta: ReadonlyMap<string, string>, path: string): CaptureStatus {
  if (meta.get('status') === 'complete') return 'complete';
  const tracerPid = Number(meta.get('tracer_pid') ?? Number.NaN);
  return (Number.isNaN(tracerPid) ? wasWrittenLately(path) : isAlive(tracerPid)) ? 'recording' : 'cut off';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function wasWrittenLately(path: string): boolean {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  return log !== undefined && Date.now() - log.mtimeMs < QUIET_MS;
}

export function layoutOf(output: Output, options: Pick<ReportOptions, 'output'> = {}): Layout {
  return { columns: output.columns, style: styleOf(output.color && options.output === undefined) };
}

/** Prints a text or JSON report, or writes it to the file of `-o`. */
export function emit(text: string, capture: string, options: ReportOptions, output: Output): void {
  if (options.output === undefined) output.out(text);
  else writeNamed(options.output, text, capture, options, output);
}

export function writeNamed(
  path: string,
  content: Content,
  capture: string,
  options: Pick<ReportOptions, 'force'>,
  output: Output,
): void {
  writeOutputFile(path, content, options.force === true, capture);
  output.err(`Wrote ${path}\n`);
}

/** `mp-flamegraph-app.42.html` beside the capture `mp-app.42.db`; of a snapshot inside it, `mp-flamegraph-app.42@1.html`. */
export function defaultPath(reporter: string, capture: string, suffix = '.html'): string {
  const name = basename(capture)
    .replace(/^mp-/, '')
    .replace(/\.db(@\d+)?$/, '$1');
  return join(dirname(capture), `mp-${reporter}-${name}${suffix}`);
}
