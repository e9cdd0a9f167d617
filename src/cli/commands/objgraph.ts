/** `mp objgraph`: objgraph's questions about a running Python: how many of what, what holds what. */
import { existsSync, readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { backreferenceChain, chainText } from '../../heap/chain.ts';
import { HeapGraph } from '../../heap/graph.ts';
import { type Direction, referenceTree, treeDot, treeText } from '../../heap/reference-tree.ts';
import { growth, leaking, mostCommon, type TypeCounts, typeCounts } from '../../heap/type-counts.ts';
import { UserError } from '../../util/errors.ts';
import { printable } from '../../util/format.ts';
import { type Output, writeOutputFile } from '../../util/output.ts';
import { renderColumns } from '../../util/table.ts';
import { addHeapOptions, type GivenPid, type HeapOptions, readHeap } from '../heap-options.ts';
import { addExample, addOutputOptions, defaultOutput, parsePositive, writeNamed } from '../report-options.ts';

interface ObjgraphOptions extends HeapOptions {
  mostCommonTypes?: boolean;
  growth?: string;
  count?: string;
  byType?: string;
  at?: string;
  leaking?: boolean;
  refs?: string;
  backrefs?: string;
  chain?: string;
  limit: number;
  maxDepth?: number;
  tooMany: number;
  refcounts?: boolean;
  all?: boolean;
  longNames?: boolean;
  dot?: boolean;
  json?: boolean;
  output?: string;
  force?: boolean;
}

const QUESTIONS = ['mostCommonTypes', 'growth', 'count', 'byType', 'at', 'leaking', 'refs', 'backrefs', 'chain'];
const CHAIN_DEPTH = 20;
const TREE_DEPTH = 3;

export function register(program: Command, output?: Output): void {
  const question = (flags: string, description: string) => {
    const option = new Option(flags, description);
    return option.conflicts(QUESTIONS.filter((name) => name !== option.attributeName()));
  };
  const command = addHeapOptions(
    program.command('objgraph').description('how many objects of which type a running Python has, and what holds them'),
  )
    .addOption(question('--most-common-types', 'the most frequent types (default)'))
    .addOption(question('--growth <FILE>', 'types that have more objects than ever before; FILE keeps the most'))
    .addOption(question('--count <TYPE>', 'how many objects of a type there are'))
    .addOption(question('--by-type <TYPE>', 'their addresses'))
    .addOption(question('--at <ADDRESS>', 'what is at an address'))
    .addOption(question('--leaking', 'types of the objects that no other object refers to'))
    .addOption(question('--refs <WHAT>', 'what an object refers to: WHAT is an address, module.attribute, Type[0]'))
    .addOption(question('--backrefs <WHAT>', 'what refers to it'))
    .addOption(question('--chain <WHAT>', 'the shortest way from a module to it'))
    .option('--limit <N>', 'show at most N types or addresses', parsePositive, 10)
    .option('--max-depth <N>', `follow N references (default: ${TREE_DEPTH}, of a chain ${CHAIN_DEPTH})`, parsePositive)
    .option('--too-many <N>', 'show at most N references of one object', parsePositive, 10)
    .option('--refcounts', 'show reference counts')
    .option('--all', 'count untracked objects, too: str, int, …')
    .option('--long-names', 'names of types with their modules')
    .option('--dot', 'a graph for graphviz, also if FILE ends in .dot');
  addExample(
    addOutputOptions(command),
    'sudo mp objgraph 1234',
    'sudo mp objgraph --growth peaks.json 1234',
    'sudo mp objgraph --chain "Session[0]" 1234',
    'sudo mp objgraph --backrefs app.cache -o cache.dot 1234',
  );
  command.action((pid: GivenPid, options: ObjgraphOptions) => run(pid, options, output ?? defaultOutput()));
}

function run(pid: GivenPid, options: ObjgraphOptions, output: Output): void {
  const peaks = options.growth === undefined ? null : readPeaks(options.growth);
  const answer = readHeap(pid, options, output, (heap, names) => answerOf(new HeapGraph(heap, names), options, peaks));
  if (peaks !== null) writeOutputFile(options.growth!, `${JSON.stringify(Object.fromEntries(peaks))}\n`, true, '');
  const text = options.json ? `${JSON.stringify(answer.value)}\n` : answer.text;
  if (options.output === undefined) output.out(text);
  else writeNamed(options.output, text, '', options, output);
}

interface Answer {
  text: string;
  /** For JSON. */
  value: unknown;
}

function answerOf(graph: HeapGraph, options: ObjgraphOptions, peaks: TypeCounts | null): Answer {
  const counting = { shortNames: !options.longNames, all: options.all === true };
  if (options.refs !== undefined) return tree(graph, options.refs, 'refs', options);
  if (options.backrefs !== undefined) return tree(graph, options.backrefs, 'backrefs', options);
  if (options.chain !== undefined) return chain(graph, options.chain, options);
  if (options.at !== undefined) return at(graph, options.at);
  if (options.byType !== undefined) return addresses(graph, options.byType, options);
  if (options.count !== undefined) {
    const count = graph.ofType(options.count).filter((i) => counting.all || graph.isTracked(i)).length;
    return { text: `${count}\n`, value: { type: options.count, count } };
  }
  if (peaks !== null) {
    const rows = growth(typeCounts(graph, null, counting), peaks).slice(0, options.limit);
    return { text: columns(rows.map((row) => [row.name, `${row.count}`, `+${row.delta}`])), value: rows };
  }
  const objects = options.leaking ? leaking(graph) : null;
  const rows = mostCommon(typeCounts(graph, objects, counting)).slice(0, options.limit);
  return {
    text: columns(rows.map(([name, count]) => [name, `${count}`])),
    value: rows.map(([name, count]) => ({ name, count })),
  };
}

function columns(rows: string[][]): string {
  return renderColumns(rows.map((row) => row.map(printable)))
    .map((line) => `${line}\n`)
    .join('');
}

function at(graph: HeapGraph, address: string): Answer {
  const object = graph.at(Number(address));
  if (object === undefined) throw new UserError(`there is no object at ${address}`);
  const value = objectValue(graph, object);
  return { text: columns(Object.entries(value).map(([name, of]) => [name, `${of}`])), value };
}

function objectValue(graph: HeapGraph, object: number) {
  const { heap } = graph;
  return {
    address: `0x${heap.addresses[object]!.toString(16)}`,
    type: graph.typeOf(object),
    value: graph.names.describe(heap.addresses[object]!),
    size: heap.sizes[object]!,
    references: heap.referenceCounts[object]!,
    tracked: graph.isTracked(object),
    referrers: graph.referrers(object).length,
    referents: graph.referents(object).length,
  };
}

function addresses(graph: HeapGraph, type: string, options: ObjgraphOptions): Answer {
  const objects = graph.ofType(type).slice(0, options.limit);
  const value = objects.map((i) => `0x${graph.heap.addresses[i]!.toString(16)}`);
  return { text: value.map((address) => `${address}\n`).join(''), value };
}

function tree(graph: HeapGraph, what: string, direction: Direction, options: ObjgraphOptions): Answer {
  const how = {
    direction,
    maxDepth: options.maxDepth ?? TREE_DEPTH,
    tooMany: options.tooMany,
    referenceCounts: options.refcounts === true,
  };
  const found = referenceTree(graph, [graph.resolve(what)], how);
  const isDot = options.dot === true || /\.(dot|gv)$/.test(options.output ?? '');
  const value = {
    objects: [...found.depths].map(([object, depth]) => ({ ...objectValue(graph, object), depth })),
    references: found.edges.map(({ from, to, label }) => ({
      from: `0x${graph.heap.addresses[direction === 'refs' ? from : to]!.toString(16)}`,
      to: `0x${graph.heap.addresses[direction === 'refs' ? to : from]!.toString(16)}`,
      label,
    })),
  };
  return { text: isDot ? treeDot(graph, found, how) : treeText(graph, found, how), value };
}

function chain(graph: HeapGraph, what: string, options: ObjgraphOptions): Answer {
  const found = backreferenceChain(graph, graph.resolve(what), options.maxDepth ?? CHAIN_DEPTH);
  return { text: chainText(graph, found), value: found.map((object) => objectValue(graph, object)) };
}

/** `{"type": most objects so far}`; of a file that is not there yet, none. */
function readPeaks(path: string): TypeCounts {
  if (!existsSync(path)) return new Map();
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const entries = Object.entries(value as Record<string, unknown>);
    if (!entries.every(([, count]) => Number.isFinite(count))) throw new Error('not counts');
    return new Map(entries as [string, number][]);
  } catch {
    throw new UserError(`${path} was not written by mp objgraph --growth.`);
  }
}
