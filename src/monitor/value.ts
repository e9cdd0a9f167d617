/** What an expression of the console can be. Only what a Thing lists itself can be asked of it. */
import type { HeapGraph } from '../heap/graph.ts';
import { UserError } from '../util/errors.ts';
import { printableLines } from '../util/format.ts';
import type { Binary } from './parser.ts';

export type Value = null | number | string | Value[] | Thing;

export type Attributes<T> = ReadonlyMap<string, (of: T) => Value>;

export abstract class Thing {
  /** In messages: `a set of objects`. */
  abstract readonly title: string;
  /** The heap that it keeps in memory. */
  get graph(): HeapGraph | null {
    return null;
  }

  /** Without a newline at its end. */
  abstract text(columns: number): string;

  abstract names(): string[];

  /** undefined: there is none of that name. */
  abstract attribute(name: string): Value | undefined;

  call(_args: Value[]): Value {
    throw new UserError(`${this.title} can't be called: leave the () away`);
  }

  /** undefined: it has no elements. */
  get length(): number | undefined {
    return undefined;
  }

  /** Elements `from` up to `to`, which are inside of its length. */
  slice(_from: number, _to: number): Value {
    throw new UserError(`${this.title} has no elements`);
  }

  item(index: number): Value {
    return this.slice(index, index + 1);
  }

  /** undefined: it can't be joined with that. */
  join(_operator: Binary, _other: Value): Value | undefined {
    return undefined;
  }

  complement(): Value {
    throw new UserError(`~ is for sets of objects, not for ${this.title}`);
  }
}

/** A text that only is to be read. */
export class Text extends Thing {
  readonly title = 'a text';
  private readonly content: string;

  constructor(content: string) {
    super();
    this.content = content;
  }

  text(): string {
    return this.content;
  }

  names(): string[] {
    return [];
  }

  attribute(): undefined {
    return undefined;
  }
}

/** Something that is called with arguments. */
export class Method extends Thing {
  readonly title: string;
  private readonly run: (args: Value[]) => Value;
  private readonly usage: string;
  private readonly counts: [number, number];

  /** `usage`: `heap()`; `counts`: of arguments, at least and at most. */
  constructor(usage: string, counts: [number, number], run: (args: Value[]) => Value) {
    super();
    this.title = usage.replace(/\(.*/, '');
    this.usage = usage;
    this.counts = counts;
    this.run = run;
  }

  text(): string {
    return `<${this.usage}: call it with its brackets>`;
  }

  names(): string[] {
    return [];
  }

  attribute(): undefined {
    return undefined;
  }

  override call(args: Value[]): Value {
    const [least, most] = this.counts;
    if (args.length < least || args.length > most) throw new UserError(`it is called as ${this.usage}`);
    return this.run(args);
  }
}

/** A Thing whose attributes are a table. */
export abstract class Described<T> extends Thing {
  protected abstract readonly table: Attributes<T>;

  names(): string[] {
    return [...this.table.keys()];
  }

  attribute(name: string): Value | undefined {
    return this.table.get(name)?.(this as unknown as T);
  }
}

/** In messages: what a value is. */
export function titleOf(value: Value): string {
  if (value instanceof Thing) return value.title;
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'number' ? 'a number' : 'a string';
}

/** As it is printed; text that a target chose has no power over the terminal. */
export function textOf(value: Value, columns: number): string {
  if (value instanceof Thing) return printableLines(value.text(columns));
  if (Array.isArray(value)) return value.map((one) => textOf(one, columns)).join('\n');
  return value === null ? '' : printableLines(String(value));
}

/** Every heap that a value keeps in memory. */
export function graphsOf(value: Value): HeapGraph[] {
  if (Array.isArray(value)) return value.flatMap(graphsOf);
  return value instanceof Thing && value.graph !== null ? [value.graph] : [];
}
