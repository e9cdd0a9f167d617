/** `mp sizeof`: how much memory objects of a running Python or Node keep, alone and with all that they lead to. */
import type { Command } from 'commander';
import { type DeepSize, DeepSizer } from '../../heap/deep-size.ts';
import { HeapGraph } from '../../heap/graph.ts';
import { RetainedSizer } from '../../heap/node/retained-size.ts';
import { type Partition, partition } from '../../heap/partition.ts';
import { partitionTable } from '../../heap/partition-table.ts';
import type { HeapColumns } from '../../model/heap.ts';
import { UserError } from '../../util/errors.ts';
import { formatCount, formatPlural, printable } from '../../util/format.ts';
import type { Output } from '../../util/output.ts';
import { renderTable } from '../../util/table.ts';
import { addHeapOptions, type GivenPid, type HeapOptions } from '../objects/heap-options.ts';
import { kindTitle, readObjects } from '../objects/heap-target.ts';
import {
  addExample,
  addOutputOptions,
  defaultOutput,
  parseNumber,
  parsePositive,
  writeNamed,
} from '../reports/report-options.ts';

interface SizeofOptions extends HeapOptions {
  depth: number;
  limit: number;
  parts: number;
  stats?: boolean;
  json?: boolean;
  output?: string;
  force?: boolean;
}

/** An object as it is shown. */
interface Sized {
  name: string;
  object: string;
  flat: number;
  deep: number;
  count: number;
  depth: number;
  parts: Sized[];
}

export function register(program: Command, output?: Output): void {
  const command = addHeapOptions(
    program
      .command('sizeof')
      .description('how much memory objects of a running Python or Node keep, each counted once'),
  )
    .argument('[what...]', 'addresses, module.attribute, Type[0]; of a Node @123, Constructor[0]')
    .option('--depth <N>', 'show what they consist of, N levels deep', parseNumber, 0)
    .option('--parts <N>', 'show at most N parts of one object', parsePositive, 10)
    .option('--stats', 'also what they consist of, by type')
    .option('--limit <N>', 'follow at most N references in a row', parsePositive, 100);
  addExample(
    addOutputOptions(command),
    'sudo mp sizeof 1234 app.cache',
    'sudo mp sizeof --depth 2 1234 app.cache app.pool',
    'sudo mp sizeof --stats 1234 app.cache',
  );
  command.action((pid: GivenPid, rest: string[], options: SizeofOptions) => {
    const what = typeof pid === 'string' ? [pid, ...rest] : rest;
    if (what.length === 0) throw new UserError('say what: an address, module.attribute, Type[0]', 2);
    return run(typeof pid === 'string' ? undefined : pid, what, options, output ?? defaultOutput());
  });
}

async function run(pid: GivenPid, what: string[], options: SizeofOptions, output: Output): Promise<void> {
  const { sized, duplicates, isRetained, heap, types } = await readObjects(pid, options, output, (heap, names) => {
    const graph = new HeapGraph(heap, names);
    const isRetained = heap.isSnapshot === true;
    const sizer = isRetained ? new RetainedSizer(graph) : new DeepSizer(graph, options.limit);
    const objects = what.map((one) => graph.resolve(one));
    const sized = objects.map((object, i) => shown(graph, what[i]!, sizer.size(object, options.depth), options.parts));
    const types = options.stats ? partition(heap, 'type', sizer.counted()) : undefined;
    return { sized, duplicates: sizer.duplicates, isRetained, heap, types };
  });
  const text = options.json
    ? `${JSON.stringify({ sized, duplicates, ...(types && { types }) })}\n`
    : tableText(sized, isRetained, output.columns) + (types ? statsText(sized, duplicates, types, heap, output) : '');
  if (options.output === undefined) output.out(text);
  else writeNamed(options.output, text, '', options, output);
}

/** Names of the largest parts only: a dict can have millions. */
function shown(graph: HeapGraph, name: string, size: DeepSize, parts: number): Sized {
  const { object, flat, deep, count, depth } = size;
  const largest = size.parts.slice(0, parts);
  return {
    name,
    object: graph.describe(object),
    flat,
    deep,
    count,
    depth,
    parts: largest.map((part) => shown(graph, graph.label(object, part.object), part, parts)),
  };
}

function statsText(sized: Sized[], duplicates: number, types: Partition, heap: HeapColumns, output: Output): string {
  const depth = formatPlural(Math.max(...sized.map((one) => one.depth)), 'reference', 'references');
  const lead = duplicates === 1 ? 'reference leads' : 'references lead';
  const again = duplicates === 0 ? '' : `; ${formatCount(duplicates)} ${lead} to what was counted`;
  const table = partitionTable(types, Number.POSITIVE_INFINITY, output.columns, kindTitle(heap, 'type'));
  return `\nNested ${depth} deep${again}.\n${table}`;
}

function tableText(sized: Sized[], isRetained: boolean, width: number): string {
  const rows: string[][] = [];
  const add = (one: Sized, indent: string) => {
    const name = `${indent}${printable(one.name)}`;
    rows.push([name, formatCount(one.flat), formatCount(one.deep), formatCount(one.count), printable(one.object)]);
    for (const part of one.parts) add(part, `${indent}  `);
  };
  for (const one of sized) add(one, '');
  if (sized.length > 1) {
    const total = (of: (one: Sized) => number) => formatCount(sized.reduce((sum, one) => sum + of(one), 0));
    rows.push(['total', total((one) => one.flat), total((one) => one.deep), total((one) => one.count), '']);
  }
  const {
    titles,
    rule,
    rows: lines,
  } = renderTable(
    [
      { title: 'Name' },
      { title: 'Flat size', align: 'right' },
      { title: isRetained ? 'Retained size' : 'Deep size', align: 'right' },
      { title: 'Objects', align: 'right' },
      { title: 'Object' },
    ],
    rows,
    width,
  );
  return `${[...titles, rule, ...lines].join('\n')}\n`;
}
