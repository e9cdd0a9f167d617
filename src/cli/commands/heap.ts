/** `mp heap`: heapy's table of the objects of a running Python or Node. */
import { existsSync, readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { isOfKind } from '../../heap/kinds.ts';
import { type Mark, markOf, membership } from '../../heap/mark.ts';
import { difference, EQUIVALENCES, type Equivalence, type Partition, partition } from '../../heap/partition.ts';
import { hasSites, parsePartition, partitionJson } from '../../heap/partition-file.ts';
import { partitionTable, unknownLine } from '../../heap/partition-table.ts';
import { viaKinds } from '../../heap/via.ts';
import { HEAP_TRACKED, type HeapColumns } from '../../model/heap.ts';
import { UserError } from '../../util/errors.ts';
import { formatPlural } from '../../util/format.ts';
import { inChunks } from '../../util/in-chunks.ts';
import type { Output } from '../../util/output.ts';
import { isMarkName, keepMark, readMark } from '../objects/heap-marks.ts';
import { addHeapOptions, type GivenPid, type HeapOptions } from '../objects/heap-options.ts';
import { addSitesOptions, capturedSites, type SitesOptions } from '../objects/heap-sites.ts';
import { equivalenceFor, kindTitle, mustNotBeNode, pythonOf, readObjects } from '../objects/heap-target.ts';
import { addExample, defaultOutput, writeNamed } from '../reports/report-options.ts';

interface HeapCommandOptions extends HeapOptions, SitesOptions {
  by?: Equivalence;
  rows: number;
  json?: boolean;
  relativeTo?: string;
  mark?: string;
  tracked?: boolean;
  kind?: string;
  output?: string;
  force?: boolean;
}

const DEFAULT_ROWS = 10;

export function register(program: Command, output?: Output): void {
  const command = addHeapOptions(
    program.command('heap').description('the objects of a running Python or Node by kind, without any import in it'),
  )
    .addOption(new Option('--by <what>', 'what makes one kind (default: clodo, of a Node type)').choices(EQUIVALENCES))
    .option('--rows <N>', 'show at most N rows, or all', parseRows, DEFAULT_ROWS)
    .option(
      '--relative-to <FILE|MARK>',
      'what has changed since FILE was saved with -o; only objects that came after MARK',
    )
    .option('--mark <NAME>', 'remember the objects as NAME while the process runs, for --relative-to', parseMark)
    .option('--kind <KIND>', 'only objects of a kind of the table: str, "dict of module"')
    .option('--tracked', 'only what gc.get_objects() of a Python would give')
    .option('--json', 'print JSON')
    .option('-o, --output <FILE>', 'save the partition, for --relative-to')
    .option('-f, --force', 'overwrite FILE if it exists');
  addSitesOptions(command);
  addExample(
    command,
    'sudo mp heap 1234',
    'sudo mp heap --sites --kind "dict (no owner)" 1234',
    'sudo mp heap --by size --rows all 1234',
    'sudo mp heap --kind "dict of module" --by id 1234',
    'sudo mp heap --mark before 1234; sleep 60; sudo mp heap --relative-to before 1234',
    'sudo mp heap -o before.json 1234; sleep 60; sudo mp heap --relative-to before.json 1234',
  );
  command.action((pid: GivenPid, options: HeapCommandOptions) => run(pid, options, output ?? defaultOutput()));
}

function parseRows(text: string): number {
  if (text === 'all') return Number.POSITIVE_INFINITY;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a number of rows, or all.');
  return Number(text);
}

function parseMark(name: string): string {
  if (!isMarkName(name)) throw new InvalidArgumentError('Give a name of letters, digits, - and _.');
  return name;
}

async function run(pid: GivenPid, options: HeapCommandOptions, output: Output): Promise<void> {
  if (options.tracked) mustNotBeNode(pid, options, '--tracked');
  if (options.sites) pythonOf(pid, '--sites');
  if (options.mark !== undefined) pythonOf(pid, '--mark');
  const by = equivalenceFor(pid, options, options.by);
  const { mark, file } = baselineOf(pid, by, options);
  const { heap, via, readAtNs } = await readObjects(pid, options, output, (heap, names) => ({
    heap,
    via: by === 'via' ? viaKinds(heap, names) : undefined,
    readAtNs: process.hrtime.bigint(),
  }));
  const sites = options.sites
    ? await capturedSites(pythonOf(pid, '--sites'), heap, readAtNs, options, output)
    : undefined;
  const now = partition(heap, by, selectionOf(heap, options, mark), { via, sites });
  const shown = file === null ? now : difference(now, file);
  if (options.mark !== undefined) {
    keepMark(pythonOf(pid, '--mark'), options.mark, markOf(heap));
    output.err(`${options.mark} is of ${formatPlural(heap.addresses.length, 'object')}\n`);
  }
  if (options.output === undefined) print(shown, heap, options, output);
  else writeNamed(options.output, inChunks(partitionJson(now)), options.relativeTo ?? '', options, output);
}

interface Baseline {
  /** Objects that are not new. */
  mark: Mark | null;
  /** A saved partition. */
  file: Partition | null;
}

/** A name is a mark; a file of that name can be given as ./NAME. */
function baselineOf(given: GivenPid, by: Equivalence, options: HeapCommandOptions): Baseline {
  const { relativeTo } = options;
  if (relativeTo === undefined) return { mark: null, file: null };
  if (!isMarkName(relativeTo)) return { mark: null, file: readPartition(relativeTo, by, options) };
  const pid = pythonOf(given, '--relative-to MARK');
  const mark = readMark(pid, relativeTo);
  if (mark === null && !existsSync(relativeTo))
    throw new UserError(`process ${pid} has no mark ${relativeTo}: make one with mp heap --mark ${relativeTo} ${pid}`);
  return { mark, file: mark === null ? readPartition(relativeTo, by, options) : null };
}

function selectionOf(
  heap: HeapColumns,
  { kind, tracked }: HeapCommandOptions,
  mark: Mark | null,
): (object: number) => boolean {
  const isOld = mark === null ? () => false : membership(mark, heap);
  const isOf = kind === undefined ? () => true : isOfKind(heap, kind);
  if (isOf === null) throw new UserError(`there is no object of the kind ${kind}`);
  return (i) => isOf(i) && !isOld(i) && (!tracked || (heap.flags[i]! & HEAP_TRACKED) !== 0);
}

function print(partition: Partition, heap: HeapColumns, options: HeapCommandOptions, output: Output): void {
  const title = kindTitle(heap, partition.by);
  if (!options.json) output.out(partitionTable(partition, options.rows, output.columns, title) + unknownLine(heap));
  else if (output.outAll) output.outAll(inChunks(partitionJson(partition)));
  else for (const chunk of inChunks(partitionJson(partition))) output.out(chunk);
}

function readPartition(path: string, by: Equivalence, { sites = false }: HeapCommandOptions): Partition {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`Cannot read ${path}: ${(error as Error).message.replace(/^\w+: |, \w+ '.*$/g, '')}`);
  }
  const saved = parsePartition(text);
  if (saved === null) throw new UserError(`${path} was not saved by mp heap -o.`);
  if (saved.by !== by) throw new UserError(`${path} is by ${saved.by}: use --by ${saved.by}.`);
  if (saved.rows.length > 0 && hasSites(saved) !== sites)
    throw new UserError(`${path} was saved ${sites ? 'without --sites' : 'with --sites: use it again'}.`);
  return saved;
}
