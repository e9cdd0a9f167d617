/** `mp objgraph`: objgraph's questions about a running Python or Node: how many of what, what holds what. */
import { existsSync, readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { HeapGraph } from '../../heap/graph.ts';
import { markOf } from '../../heap/mark.ts';
import { SORT_KEYS } from '../../heap/new-objects.ts';
import { rememberedNames } from '../../heap/remembered-names.ts';
import type { TypeCounts } from '../../heap/type-counts.ts';
import { UserError } from '../../util/errors.ts';
import { type Output, writeOutputFile } from '../../util/output.ts';
import { keepMark, NEW_IDS, readMark } from '../objects/heap-marks.ts';
import { addHeapOptions, type GivenPid, type HeapOptions } from '../objects/heap-options.ts';
import { addSitesOptions, capturedSites, type SitesOptions } from '../objects/heap-sites.ts';
import { mustNotBeNode, pythonOf, readObjects } from '../objects/heap-target.ts';
import { answerOf, CHAIN_DEPTH, type Known, type Question, TREE_DEPTH } from '../objects/objgraph-answer.ts';
import { picture, pictureKind } from '../objects/objgraph-picture.ts';
import { addExample, addOutputOptions, defaultOutput, parsePositive, writeNamed } from '../reports/report-options.ts';

interface ObjgraphOptions extends HeapOptions, SitesOptions, Question {
  mostCommonTypes?: boolean;
  dot?: boolean;
  json?: boolean;
  output?: string;
  force?: boolean;
}

/** Which objects they are about is not asked of a capture. */
const COUNTS = ['mostCommonTypes', 'growth', 'newIds', 'count', 'leaking'];
const QUESTIONS = [...COUNTS, 'byType', 'at', 'refs', 'backrefs', 'chain'];

export function register(program: Command, output?: Output): void {
  const question = (flags: string, description: string) => {
    const option = new Option(flags, description);
    return option.conflicts(QUESTIONS.filter((name) => name !== option.attributeName()));
  };
  const command = addHeapOptions(
    program
      .command('objgraph')
      .description('how many objects of which type a running Python or Node has, and what holds them'),
  )
    .addOption(question('--most-common-types', 'the most frequent types (default)'))
    .addOption(question('--growth <FILE>', 'types that have more objects than ever before; FILE keeps the most'))
    .addOption(question('--new-ids', 'types with their objects that are new since the last time of this process'))
    .addOption(question('--count <TYPE>', 'how many objects of a type there are'))
    .addOption(question('--by-type <TYPE>', 'their addresses, of a Node their ids'))
    .addOption(question('--at <ADDRESS>', 'what is at an address, or @123'))
    .addOption(question('--leaking', 'types of the objects that no other object refers to'))
    .addOption(
      question(
        '--refs <WHAT>',
        "what an object refers to: WHAT is its address or its block's, module.attribute, Type[0], @123",
      ),
    )
    .addOption(question('--backrefs <WHAT>', 'what refers to it'))
    .addOption(question('--chain <WHAT>', 'the shortest way from a module to it'))
    .addOption(new Option('--sortby <COLUMN>', 'of --new-ids').choices(SORT_KEYS).default('deltas'))
    .option('--limit <N>', 'show at most N types or addresses', parsePositive, 10)
    .option('--max-depth <N>', `follow N references (default: ${TREE_DEPTH}, of a chain ${CHAIN_DEPTH})`, parsePositive)
    .option('--too-many <N>', 'show at most N references of one object', parsePositive, 10)
    .option('--refcounts', 'show reference counts')
    .option('--all', 'count untracked objects, too: str, int, …')
    .option('--long-names', 'names of types with their modules')
    .option('--dot', 'a graph for graphviz, also if FILE ends in .dot; .html is a page, .svg and .png need graphviz');
  addSitesOptions(command);
  addExample(
    addOutputOptions(command),
    'sudo mp objgraph 1234',
    'sudo mp objgraph --growth peaks.json 1234',
    'sudo mp objgraph --chain "Session[0]" 1234',
    'sudo mp objgraph --backrefs app.cache --sites -o cache.html 1234',
  );
  command.action((pid: GivenPid, options: ObjgraphOptions) => run(pid, options, output ?? defaultOutput()));
}

async function run(pid: GivenPid, options: ObjgraphOptions, output: Output): Promise<void> {
  if (options.sites && !QUESTIONS.some((name) => !COUNTS.includes(name) && name in options))
    throw new UserError('--sites is of single objects: mp heap --sites counts them by line');
  if (options.leaking) mustNotBeNode(pid, options, '--leaking');
  if (options.sites) pythonOf(pid, '--sites');
  const known: Known = {
    peaks: options.growth === undefined ? null : readPeaks(options.growth),
    before: options.newIds ? readMark(pythonOf(pid, '--new-ids'), NEW_IDS) : null,
    sites: null,
  };
  const { graph, first, readAtNs } = await readObjects(pid, options, output, (heap, names) => {
    const graph = new HeapGraph(heap, rememberedNames(names));
    return { graph, first: answerOf(graph, options, known), readAtNs: process.hrtime.bigint() };
  });
  if (known.peaks !== null)
    writeOutputFile(options.growth!, `${JSON.stringify(Object.fromEntries(known.peaks))}\n`, true, '');
  if (options.newIds)
    keepMark(
      pythonOf(pid, '--new-ids'),
      NEW_IDS,
      markOf(graph.heap, (object) => graph.isTracked(object)),
    );
  if (options.sites) known.sites = await capturedSites(pythonOf(pid, '--sites'), graph.heap, readAtNs, options, output);
  // the same question once more: what the process was asked for is remembered
  const answer = options.sites ? answerOf(graph, options, known) : first;
  const kind = options.json ? null : pictureKind(options);
  const title = titleOf(options);
  const content = options.json
    ? `${JSON.stringify(answer.value)}\n`
    : kind === null
      ? answer.text
      : picture(graph, answer, kind, { title, sites: known.sites });
  if (options.output === undefined) output.out(content);
  else writeNamed(options.output, content, '', options, output);
}

function titleOf({ refs, backrefs, chain }: ObjgraphOptions): string {
  if (chain !== undefined) return `The way to ${chain}`;
  return backrefs === undefined ? `References of ${refs}` : `What refers to ${backrefs}`;
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
