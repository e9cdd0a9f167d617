/** The interactive console of one process: variables, and lines that are evaluated one by one. */
import type { HeapGraph } from '../heap/graph.ts';
import { UserError } from '../util/errors.ts';
import { HP_TEXT } from './console-help.ts';
import { evaluate } from './evaluate.ts';
import { Hp, type ReadHeap } from './hp.ts';
import { parseStatement, type Statement } from './parser.ts';
import { graphsOf, Text, Thing, textOf, type Value } from './value.ts';

/** The last result. */
const LAST = '_';

export class HeapConsole {
  private readonly hp: Hp;
  private readonly own: ReadonlyMap<string, Value>;
  private readonly variables = new Map<string, Value>();

  constructor(read: ReadHeap) {
    this.hp = new Hp(read);
    this.own = new Map<string, Value>([
      ['hp', this.hp],
      ['help', new Text(HP_TEXT)],
    ]);
  }

  /** What it prints, without a newline at the end. @throws UserError */
  run(line: string, columns: number): string {
    const statement = parseStatement(line);
    switch (statement.kind) {
      case 'nothing':
        return '';
      case 'delete':
        if (!this.variables.delete(statement.name)) throw new UserError(`there is no variable ${statement.name}`);
        return '';
      case 'assign':
        this.assign(statement);
        return '';
      case 'expression': {
        const value = this.evaluate(statement.of);
        const text = textOf(value, columns);
        // what only is to be read would be in the way of '_.more'
        if (value !== null && !(value instanceof Text)) this.variables.set(LAST, value);
        return text;
      }
    }
  }

  private assign({ name, of }: Extract<Statement, { kind: 'assign' }>): void {
    if (this.own.has(name)) throw new UserError(`${name} is not a variable: take another name`);
    const value = this.evaluate(of);
    if (value === null) throw new UserError(`that has no value that ${name} could have`);
    this.variables.set(name, value);
  }

  private evaluate(expression: Parameters<typeof evaluate>[0]): Value {
    return evaluate(expression, new Map([...this.own, ...this.variables]));
  }

  /** Heaps that variables keep, each with their names; `_` and the last heap go when the next is read. */
  kept(): Map<HeapGraph, string[]> {
    const kept = new Map<HeapGraph, string[]>();
    for (const [name, value] of this.variables) {
      if (name === LAST) continue;
      for (const graph of graphsOf(value)) kept.set(graph, [...(kept.get(graph) ?? []), name]);
    }
    return kept;
  }

  get referenceBytes(): number {
    return this.hp.referenceBytes;
  }

  /** For the tab key: what the name before the cursor can be. */
  complete(line: string): [string[], string] {
    const [, of, begun] = /(?:^|[^\w.)\]])(?:([A-Za-z_]\w*)\.)?(\w*)$/.exec(line) ?? [];
    if (begun === undefined) return [[], line];
    const value = of === undefined ? undefined : (this.own.get(of) ?? this.variables.get(of));
    const known =
      of === undefined ? [...this.own.keys(), ...this.variables.keys()] : value instanceof Thing ? value.names() : [];
    return [known.filter((name) => name.startsWith(begun)), begun];
  }
}
