import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Command, Option } from 'commander';
import { textReport } from '../../report/report.ts';
import { selectedSites } from '../../report/selection.ts';
import { FORMATS, type Format } from '../../report/transform/formats.ts';
import type { ExportOptions } from '../../report/transform/samples.ts';
import { UserError } from '../../util/errors.ts';
import { begun, inChunks } from '../../util/in-chunks.ts';
import type { Output } from '../../util/output.ts';
import {
  addExample,
  addOutputOptions,
  addSelectionOptions,
  defaultOutput,
  defaultPath,
  layoutOf,
  type ReportOptions,
  selectionOf,
  withCapture,
  writeNamed,
} from '../reports/report-options.ts';

interface TransformOptions extends ReportOptions {
  splitThreads?: boolean;
  count?: 'bytes' | 'allocations';
}

const STDOUT = '-';

export function register(program: Command, output?: Output): void {
  const command = program
    .command('transform')
    .description('write a capture in a format of other tools')
    .argument('<format>', Object.keys(FORMATS).join(', '))
    .argument('<capture>', 'capture file')
    .addOption(
      new Option('--count <WHAT>', `what to count: bytes or allocations (${namesOf((format) => format.hasOneCount)})`)
        .choices(['bytes', 'allocations'])
        .default(undefined, 'bytes'),
    )
    .option('--split-threads', `tell threads apart (${namesOf((format) => format.threads === 'option')})`)
    .addHelpText('after', `\nFormats:\n${formatLines()}`);
  addSelectionOptions(command);
  addOutputOptions(command, false).addHelpText(
    'after',
    '\nWithout -o a file is written beside the capture if stdout is a terminal; else the format goes to stdout, as with -o -.',
  );
  addExample(
    command,
    'mp transform pprof --leaks mp-app.42.db',
    'mp transform csv -o app.csv mp-app.42.db',
    'mp transform collapsed mp-app.42.db | flamegraph.pl > app.svg',
  );
  command.action((format: string, path: string, options: TransformOptions) =>
    run(format.toLowerCase(), path, options, output ?? defaultOutput()),
  );
}

async function run(name: string, path: string, options: TransformOptions, output: Output): Promise<void> {
  const format = formatOf(name);
  checkOptions(name, format, options);
  const selection = selectionOf(options);
  const target = options.output ?? (output.isTTY ? defaultPath(name, path, format.suffix) : STDOUT);
  if (target === STDOUT && format.isBinary && output.isTTY)
    throw new UserError(`${name} is not for a terminal. Write it to a file with -o FILE, or redirect stdout.`);
  const how: ExportOptions = {
    ...options,
    splitThreads: options.splitThreads === true,
    count: options.count ?? 'bytes',
  };
  const exporter = await format.load();
  await withCapture(path, selection, (capture) => {
    const [first] = selectedSites(capture.source, selection);
    if (first === undefined) return output.out(textReport(capture.facts, selection, [], layoutOf(output)));
    const chunks = begun(inChunks(exporter(capture, selection, how)));
    try {
      if (target !== STDOUT) writeNamed(target, chunks, path, options, output);
      else if (output.outAll) output.outAll(chunks);
      else for (const chunk of chunks) output.out(chunk);
    } finally {
      chunks.return();
    }
    if (target !== STDOUT) output.err(viewerLines(name, format, target));
  });
}

/** @throws UserError, also for a name that `Object` has. */
function formatOf(name: string): Format {
  if (Object.hasOwn(FORMATS, name)) return FORMATS[name]!;
  throw new UserError(`Format not supported: ${name}. It must be one of ${Object.keys(FORMATS).join(', ')}.`, 2);
}

/** @throws UserError for an option that means nothing in the format. */
function checkOptions(name: string, format: Format, options: TransformOptions): void {
  if (options.count !== undefined && !format.hasOneCount) throw new UserError(`--count has no meaning for ${name}.`, 2);
  if (options.splitThreads && format.threads === undefined)
    throw new UserError(`${name} can't tell threads apart: leave out --split-threads.`, 2);
}

/** How to look at what was written, and of memray's gprof2dot where to get what is missing for that. */
function viewerLines(name: string, { viewer }: Format, path: string): string {
  if (viewer === undefined) return '';
  const quoted = /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
  const hints = name === 'gprof2dot' ? GRAPH_TOOLS.filter(([tool]) => !isInPath(tool)) : [];
  const lines = hints.map(([tool, where]) => `${tool} is not installed: ${where}`);
  return `${[`To look at it: ${viewer(quoted)}`, ...lines].join('\n')}\n`;
}

const GRAPH_TOOLS = [
  ['gprof2dot', 'https://github.com/jrfonseca/gprof2dot'],
  ['dot', 'https://graphviz.org/download/'],
] as const;

function isInPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

function namesOf(has: (format: Format) => boolean | undefined): string {
  const names = Object.keys(FORMATS).filter((name) => has(FORMATS[name]!));
  return names.join(', ');
}

function formatLines(): string {
  return Object.entries(FORMATS)
    .map(([name, { description }]) => `  ${name.padEnd(12)}${description}`)
    .join('\n');
}
