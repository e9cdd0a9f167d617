/** `mp heap`: heapy's table of the objects of a running Python. */
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { isOfKind } from '../../heap/kinds.ts';
import { difference, EQUIVALENCES, type Equivalence, type Partition, partition } from '../../heap/partition.ts';
import { parsePartition, partitionJson } from '../../heap/partition-file.ts';
import { partitionTable } from '../../heap/partition-table.ts';
import { HEAP_TRACKED, type HeapColumns } from '../../model/heap.ts';
import { UserError } from '../../util/errors.ts';
import { formatPlural } from '../../util/format.ts';
import { inChunks } from '../../util/in-chunks.ts';
import type { Output } from '../../util/output.ts';
import { addHeapOptions, type GivenPid, type HeapOptions, readHeap } from '../heap-options.ts';
import { addExample, defaultOutput, writeNamed } from '../report-options.ts';

interface HeapCommandOptions extends HeapOptions {
  by: Equivalence;
  rows: number;
  json?: boolean;
  relativeTo?: string;
  tracked?: boolean;
  kind?: string;
  output?: string;
  force?: boolean;
}

const DEFAULT_ROWS = 10;

export function register(program: Command, output?: Output): void {
  const command = addHeapOptions(
    program.command('heap').description('the objects of a running Python by kind, without any import in it'),
  )
    .addOption(new Option('--by <what>', 'what makes one kind').choices(EQUIVALENCES).default('clodo'))
    .option('--rows <N>', 'show at most N rows, or all', parseRows, DEFAULT_ROWS)
    .option('--relative-to <FILE>', 'show only what came since FILE was saved with -o')
    .option('--kind <KIND>', 'only objects of a kind of the table: str, "dict of module"')
    .option('--tracked', 'only what gc.get_objects() would give, what its garbage collector tracks')
    .option('--json', 'print JSON')
    .option('-o, --output <FILE>', 'save the partition, for --relative-to')
    .option('-f, --force', 'overwrite FILE if it exists');
  addExample(
    command,
    'sudo mp heap 1234',
    'sudo mp heap --by size --rows all 1234',
    'sudo mp heap --kind "dict of module" --by id 1234',
    'sudo mp heap -o before.json 1234; sleep 60; sudo mp heap --relative-to before.json 1234',
  );
  command.action((pid: GivenPid, options: HeapCommandOptions) => run(pid, options, output ?? defaultOutput()));
}

function parseRows(text: string): number {
  if (text === 'all') return Number.POSITIVE_INFINITY;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a number of rows, or all.');
  return Number(text);
}

function run(pid: GivenPid, options: HeapCommandOptions, output: Output): void {
  const before = options.relativeTo === undefined ? null : readPartition(options.relativeTo, options.by);
  const heap = readHeap(pid, options, output, (heap) => heap);
  const now = partition(heap, options.by, selectionOf(heap, options));
  const shown = before === null ? now : difference(now, before);
  if (options.output === undefined) print(shown, heap, options, output);
  else writeNamed(options.output, inChunks(partitionJson(now)), options.relativeTo ?? '', options, output);
}

function selectionOf(heap: HeapColumns, { kind, tracked }: HeapCommandOptions): (object: number) => boolean {
  const isOf = kind === undefined ? () => true : isOfKind(heap, kind);
  if (isOf === null) throw new UserError(`there is no object of the kind ${kind}`);
  return (i) => isOf(i) && (!tracked || (heap.flags[i]! & HEAP_TRACKED) !== 0);
}

function print(partition: Partition, heap: HeapColumns, options: HeapCommandOptions, output: Output): void {
  if (!options.json) output.out(partitionTable(partition, options.rows, output.columns) + unknownLine(heap));
  else if (output.outAll) output.outAll(inChunks(partitionJson(partition)));
  else for (const chunk of inChunks(partitionJson(partition))) output.out(chunk);
}

/** Objects whose references could not be followed; empty if there are none. */
function unknownLine({ unknownObjects, unknownTypes }: HeapColumns): string {
  if (unknownObjects === 0) return '';
  const types = formatPlural(unknownTypes, 'C type', 'C types');
  return `What ${formatPlural(unknownObjects, 'object', 'objects')} of ${types} refer to is not known to mp.\n`;
}

function readPartition(path: string, by: Equivalence): Partition {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`Cannot read ${path}: ${(error as Error).message.replace(/^\w+: |, \w+ '.*$/g, '')}`);
  }
  const saved = parsePartition(text);
  if (saved === null) throw new UserError(`${path} was not saved by mp heap -o.`);
  if (saved.by !== by) throw new UserError(`${path} is by ${saved.by}: use --by ${saved.by}.`);
  return saved;
}
