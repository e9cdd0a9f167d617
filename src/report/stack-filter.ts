/**
 * `--include` and `--exclude`: a capture without the sites whose stacks are not asked for. Patterns are those of
 * `leak-allow.ts`, for functions, source files and modules, anywhere in the stack:
 *
 *     stack, root first       --include parse    --exclude parse    --include main --exclude read
 *     main parse read         shown              -                  -
 *     main parse grow         shown              -                  shown
 *     main load               -                  shown              shown
 *     (not known)             -                  shown              -
 */
import { matcher } from './leak-allow.ts';
import type { Capture } from './report.ts';
import type { ColumnsOf, FrameRow, LargeQuery, QueryParameters, Rows, Source } from './source.ts';
import { type LinkedFrame, ofFrame, Stacks } from './stacks.ts';

export interface StackFilter {
  /** Not given: all. */
  include?: readonly string[];
  exclude?: readonly string[];
}

export const isFilter = ({ include, exclude }: StackFilter): boolean => include !== undefined || exclude !== undefined;

/** Only what reports take from sites is filtered, not the facts of the capture. */
export function filtered({ source, facts }: Capture, filter: StackFilter): Capture {
  return isFilter(filter) ? { source: new FilteredSource(source, filter), facts } : { source, facts };
}

class FilteredSource implements Source {
  readonly #source: Source;
  readonly #stacks: Stacks;
  readonly #included: StackTest | null;
  readonly #excluded: StackTest | null;

  constructor(source: Source, { include, exclude }: StackFilter) {
    this.#source = source;
    this.#stacks = new Stacks(source);
    this.#included = include === undefined ? null : stackTest(include);
    this.#excluded = exclude === undefined ? null : stackTest(exclude);
  }

  all<Name extends keyof Rows>(query: Name, parameters?: Partial<QueryParameters>): Rows[Name][] {
    return [...this.iterate(query, parameters)];
  }

  *iterate<Name extends keyof Rows>(query: Name, parameters?: Partial<QueryParameters>): Iterable<Rows[Name]> {
    const isOfSites = query.startsWith('sites_');
    for (const row of this.#source.iterate(query, parameters)) {
      if (!isOfSites || this.#passes((row as { stack_id: number | null }).stack_id)) yield row;
    }
  }

  *columns<Name extends LargeQuery, Field extends keyof Rows[Name] & string>(
    query: Name,
    fields: readonly Field[],
    parameters?: Partial<QueryParameters>,
  ): Iterable<Pick<ColumnsOf<Rows[Name]>, Field>> {
    if (!query.startsWith('sites_')) return yield* this.#source.columns(query, fields, parameters);
    const all = [...new Set([...fields, 'stack_id' as Field])];
    for (const columns of this.#source.columns(query, all, parameters)) {
      const stackIds = columns['stack_id' as Field] as (number | null)[];
      const passing = stackIds.map((id) => this.#passes(id));
      const entries = all.map((field) => [field, columns[field].filter((_value, i) => passing[i])]);
      yield Object.fromEntries(entries) as Pick<ColumnsOf<Rows[Name]>, Field>;
    }
  }

  #passes(stackId: number | null): boolean {
    const innermost = this.#stacks.node(stackId) ?? null;
    if (this.#included !== null && !this.#included(innermost)) return false;
    return this.#excluded === null || !this.#excluded(innermost);
  }
}

type StackTest = (innermost: LinkedFrame | null) => boolean;

/** Whether one of the patterns is in a frame of the stack; the answer for a stack is kept for those below it. */
function stackTest(patterns: readonly string[]): StackTest {
  const matchers = patterns.map(matcher);
  const isMatch = ofFrame(({ function: name, file, module }: FrameRow) =>
    [name, file, module].some((text) => text !== null && matchers.some((matches) => matches(text))),
  );
  const known: boolean[] = [];
  return (innermost) => {
    const open: LinkedFrame[] = [];
    let node = innermost;
    for (; node !== null && known[node.id] === undefined; node = node.parent) open.push(node);
    let isIn = node !== null && known[node.id]!;
    for (let i = open.length - 1; i >= 0; i--) {
      isIn ||= isMatch(open[i]!.frame);
      known[open[i]!.id] = isIn;
    }
    return isIn;
  };
}
