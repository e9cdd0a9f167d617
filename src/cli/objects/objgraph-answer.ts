/** What `mp objgraph` is asked, and the answers, as text and as values. */
import { addressText, parseAddress } from '../../heap/address.ts';
import { backreferenceChain, chainText, chainTree } from '../../heap/chain.ts';
import type { HeapGraph } from '../../heap/graph.ts';
import type { Mark } from '../../heap/mark.ts';
import { type NewObjectsRow, newObjects, newObjectsTable, type SortKey } from '../../heap/new-objects.ts';
import {
  type Direction,
  type ReferenceTree,
  referenceTree,
  type TreeOptions,
  treeText,
} from '../../heap/reference-tree.ts';
import { growth, leaking, mostCommon, type TypeCounts, typeCounts } from '../../heap/type-counts.ts';
import { UserError } from '../../util/errors.ts';
import { printable } from '../../util/format.ts';
import { renderColumns } from '../../util/table.ts';
import type { CapturedSites } from './heap-sites.ts';

export interface Question {
  growth?: string;
  newIds?: boolean;
  count?: string;
  byType?: string;
  at?: string;
  leaking?: boolean;
  refs?: string;
  backrefs?: string;
  chain?: string;
  sortby: SortKey;
  limit: number;
  maxDepth?: number;
  tooMany: number;
  refcounts?: boolean;
  all?: boolean;
  longNames?: boolean;
}

/** What is known besides the objects. */
export interface Known {
  /** Of `growth`, which brings them up to date. */
  peaks: TypeCounts | null;
  /** Of `newIds`: null at the first call. */
  before: Mark | null;
  sites: CapturedSites | null;
}

export interface Answer {
  text: string;
  /** For JSON. */
  value: unknown;
  /** For a picture. */
  drawn?: { tree: ReferenceTree; how: TreeOptions };
}

export const CHAIN_DEPTH = 20;
export const TREE_DEPTH = 3;

export function answerOf(graph: HeapGraph, question: Question, known: Known): Answer {
  const counting = { shortNames: !question.longNames, all: question.all === true };
  if (question.refs !== undefined) return tree(graph, question.refs, 'refs', question, known);
  if (question.backrefs !== undefined) return tree(graph, question.backrefs, 'backrefs', question, known);
  if (question.chain !== undefined) return chain(graph, question.chain, question, known);
  if (question.at !== undefined) return at(graph, question.at, known);
  if (question.byType !== undefined) return addresses(graph, question.byType, question, known);
  if (question.count !== undefined) {
    const count = graph.ofType(question.count).filter((i) => counting.all || graph.isTracked(i)).length;
    return { text: `${count}\n`, value: { type: question.count, count } };
  }
  if (question.newIds) return newIds(graph, question, known);
  if (known.peaks !== null) {
    const rows = growth(typeCounts(graph, null, counting), known.peaks).slice(0, question.limit);
    return { text: columns(rows.map((row) => [row.name, `${row.count}`, `+${row.delta}`])), value: rows };
  }
  const objects = question.leaking ? leaking(graph) : null;
  const rows = mostCommon(typeCounts(graph, objects, counting)).slice(0, question.limit);
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

function newIds(graph: HeapGraph, { sortby, limit, longNames }: Question, { before }: Known): Answer {
  const rows = newObjects(graph, before, sortby, !longNames).slice(0, limit);
  const withIds = ({ objects, ...row }: NewObjectsRow) => ({
    ...row,
    ids: objects.map((i) => addressText(graph.heap, i)),
  });
  return { text: newObjectsTable(rows), value: rows.map(withIds) };
}

function at(graph: HeapGraph, address: string, { sites }: Known): Answer {
  const object = graph.at(parseAddress(graph.heap, address) ?? Number.NaN);
  if (object === undefined) throw new UserError(`there is no object at ${address}`);
  const value = objectValue(graph, object);
  if (sites === null) return { text: columns(Object.entries(value).map(([name, of]) => [name, `${of}`])), value };
  const site = sites.lines[sites.siteOf[object]!]!;
  const stack = sites.stackLines(object);
  const [own, ...callers] = stack.length > 0 ? stack : [site];
  const rows = [...Object.entries(value), ['allocated by', own], ...callers.map((line) => ['', line])];
  return { text: columns(rows.map(([name, of]) => [`${name}`, `${of}`])), value: { ...value, site, stack } };
}

export function objectValue(graph: HeapGraph, object: number) {
  const { heap } = graph;
  return {
    address: addressText(graph.heap, object),
    type: graph.typeOf(object),
    value: graph.names.describe(heap.addresses[object]!),
    size: heap.sizes[object]!,
    references: heap.referenceCounts[object]!,
    tracked: graph.isTracked(object),
    referrers: graph.referrers(object).length,
    referents: graph.referents(object).length,
  };
}

/** The same with where it was allocated, if that is known. */
function valueWithSite(graph: HeapGraph, object: number, { sites }: Known) {
  if (sites === null) return objectValue(graph, object);
  const site = sites.lines[sites.siteOf[object]!]!;
  return { ...objectValue(graph, object), site, stack: sites.stackLines(object) };
}

function addresses(graph: HeapGraph, type: string, { limit }: Question, { sites }: Known): Answer {
  const objects = graph.ofType(type).slice(0, limit);
  const of = objects.map((i) => addressText(graph.heap, i));
  if (sites === null) return { text: of.map((address) => `${address}\n`).join(''), value: of };
  const lines = objects.map((i) => sites.lines[sites.siteOf[i]!]!);
  return {
    text: columns(of.map((address, i) => [address, lines[i]!])),
    value: of.map((address, i) => ({ address, site: lines[i] })),
  };
}

function tree(graph: HeapGraph, what: string, direction: Direction, question: Question, known: Known): Answer {
  const how = {
    direction,
    maxDepth: question.maxDepth ?? TREE_DEPTH,
    tooMany: question.tooMany,
    referenceCounts: question.refcounts === true,
    noteOf: noteOf(known),
  };
  const found = referenceTree(graph, [graph.resolve(what)], how);
  const isForward = direction === 'refs';
  const value = {
    objects: [...found.depths].map(([object, depth]) => ({ ...valueWithSite(graph, object, known), depth })),
    references: found.edges.map(({ from, to, label }) => ({
      from: addressText(graph.heap, isForward ? from : to),
      to: addressText(graph.heap, isForward ? to : from),
      label,
    })),
  };
  return { text: treeText(graph, found, how), value, drawn: { tree: found, how } };
}

function chain(graph: HeapGraph, what: string, question: Question, known: Known): Answer {
  const found = backreferenceChain(graph, graph.resolve(what), question.maxDepth ?? CHAIN_DEPTH);
  const how: TreeOptions = {
    direction: 'refs',
    maxDepth: found.length,
    tooMany: 1,
    referenceCounts: question.refcounts === true,
    noteOf: noteOf(known),
  };
  return {
    text: chainText(graph, found, noteOf(known)),
    value: found.map((object) => valueWithSite(graph, object, known)),
    drawn: { tree: chainTree(graph, found), how },
  };
}

function noteOf({ sites }: Known): (object: number) => string {
  return sites === null ? () => '' : (object) => ` from ${sites.lines[sites.siteOf[object]!]}`;
}
