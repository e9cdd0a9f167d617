/**
 * The language of the console: the chains that one types at a set of objects, and nothing else of Python.
 *
 *     statement   NAME = expression | del NAME | expression
 *     expression  one of | ^ & + - between two, - ~ before one, binding as in Python
 *     primary     NAME, NUMBER, 'string', (expression), [expression, …], with .NAME (…) [index] [from:to] behind
 *
 * An expression is only looked at by evaluate.ts: no text is ever given to JavaScript.
 */
import { UserError } from '../util/errors.ts';
import { type Token, tokensOf } from './tokens.ts';

export type Binary = '|' | '^' | '&' | '+' | '-';
export type Unary = '-' | '~';

export type Expression =
  | { kind: 'name'; name: string }
  | { kind: 'value'; value: number | string }
  | { kind: 'list'; items: Expression[] }
  | { kind: 'attribute'; of: Expression; name: string }
  | { kind: 'call'; of: Expression; args: Expression[] }
  | { kind: 'item'; of: Expression; index: Expression }
  | { kind: 'slice'; of: Expression; from: Expression | null; to: Expression | null }
  | { kind: 'unary'; operator: Unary; of: Expression }
  | { kind: 'binary'; operator: Binary; left: Expression; right: Expression };

export type Statement =
  | { kind: 'expression'; of: Expression }
  | { kind: 'assign'; name: string; of: Expression }
  | { kind: 'delete'; name: string }
  | { kind: 'nothing' };

/** From the loosest to the tightest. */
const LEVELS: Binary[][] = [['|'], ['^'], ['&'], ['+', '-']];
const MAX_NESTING = 100;

/** @throws UserError that says what was expected where. */
export function parseStatement(line: string): Statement {
  return new Parser(tokensOf(line)).statement();
}

class Parser {
  private readonly tokens: Token[];
  private at = 0;
  private nesting = 0;

  constructor(tokens: Token[]) {
    this.tokens = tokens;
  }

  statement(): Statement {
    const [first, second] = this.tokens as [Token, Token?];
    if (first.kind === 'end') return { kind: 'nothing' };
    if (first.kind === 'name' && first.text === 'del') {
      this.at = 1;
      return this.ended({ kind: 'delete', name: this.name() });
    }
    if (first.kind === 'name' && second?.text === '=' && second.kind === 'operator') {
      this.at = 2;
      return this.ended({ kind: 'assign', name: first.text, of: this.expression() });
    }
    return this.ended({ kind: 'expression', of: this.expression() });
  }

  private ended(statement: Statement): Statement {
    if (this.next.kind !== 'end') this.fail('the end of the line');
    return statement;
  }

  private expression(level = 0): Expression {
    const operators = LEVELS[level];
    if (operators === undefined) return this.unary();
    let left = this.expression(level + 1);
    for (;;) {
      const operator = operators.find((one) => this.takes(one));
      if (operator === undefined) return left;
      left = { kind: 'binary', operator, left, right: this.expression(level + 1) };
    }
  }

  private unary(): Expression {
    for (const operator of ['-', '~'] as const)
      if (this.takes(operator)) return { kind: 'unary', operator, of: this.nested(() => this.unary()) };
    return this.primary();
  }

  private primary(): Expression {
    let of = this.atom();
    for (;;) {
      if (this.takes('.')) of = { kind: 'attribute', of, name: this.name() };
      else if (this.takes('(')) of = { kind: 'call', of, args: this.list(')') };
      else if (this.takes('[')) of = this.subscript(of);
      else return of;
    }
  }

  private atom(): Expression {
    const token = this.next;
    if (token.kind === 'name') return { kind: 'name', name: this.name() };
    if (token.kind === 'string') {
      this.at++;
      return { kind: 'value', value: token.text };
    }
    if (token.kind === 'number') return { kind: 'value', value: this.number() };
    if (this.takes('[')) return { kind: 'list', items: this.list(']') };
    if (!this.takes('(')) this.fail('a name, a number or a string');
    const inner = this.nested(() => this.expression());
    this.expect(')');
    return inner;
  }

  private subscript(of: Expression): Expression {
    const from = this.isAt(':') ? null : this.nested(() => this.expression());
    if (!this.takes(':')) {
      this.expect(']');
      return { kind: 'item', of, index: from! };
    }
    const to = this.isAt(']') ? null : this.nested(() => this.expression());
    this.expect(']');
    return { kind: 'slice', of, from, to };
  }

  /** Up to its closing bracket. */
  private list(end: string): Expression[] {
    const items: Expression[] = [];
    while (!this.takes(end)) {
      items.push(this.nested(() => this.expression()));
      if (this.takes(end)) break;
      this.expect(',');
    }
    return items;
  }

  private name(): string {
    const token = this.next;
    if (token.kind !== 'name') this.fail('a name');
    this.at++;
    return token.text;
  }

  private number(): number {
    const { text, column } = this.next;
    const value = Number(text);
    if (value > Number.MAX_SAFE_INTEGER) throw new UserError(`the number at column ${column} is too large`);
    this.at++;
    return value;
  }

  private nested<T>(parse: () => T): T {
    if (++this.nesting > MAX_NESTING) throw new UserError(`brackets and signs are nested at most ${MAX_NESTING} deep`);
    const result = parse();
    this.nesting--;
    return result;
  }

  private get next(): Token {
    return this.tokens[this.at]!;
  }

  private isAt(operator: string): boolean {
    return this.next.kind === 'operator' && this.next.text === operator;
  }

  private takes(operator: string): boolean {
    const isThere = this.isAt(operator);
    if (isThere) this.at++;
    return isThere;
  }

  private expect(operator: string): void {
    if (!this.takes(operator)) this.fail(operator);
  }

  private fail(expected: string): never {
    const { kind, text, column } = this.next;
    const found = kind === 'end' ? 'the line ends' : `${kind === 'string' ? 'a string' : text} is`;
    throw new UserError(`${found} at column ${column}, where ${expected} is expected`);
  }
}
