/** What an expression of the console stands for. */
import { UserError } from '../util/errors.ts';
import type { Binary, Expression } from './parser.ts';
import { Thing, titleOf, type Value } from './value.ts';

export type Variables = ReadonlyMap<string, Value>;

/** @throws UserError for what is not there, or does not fit. */
export function evaluate(expression: Expression, variables: Variables): Value {
  const of = (inner: Expression) => evaluate(inner, variables);
  switch (expression.kind) {
    case 'value':
      return expression.value;
    case 'name':
      return variable(expression.name, variables);
    case 'list':
      return expression.items.map(of);
    case 'attribute':
      return attribute(of(expression.of), expression.name);
    case 'call':
      return call(of(expression.of), expression.args.map(of));
    case 'item':
      return item(of(expression.of), of(expression.index));
    case 'slice':
      return slice(of(expression.of), expression.from && of(expression.from), expression.to && of(expression.to));
    case 'unary':
      return expression.operator === '-' ? negative(of(expression.of)) : complement(of(expression.of));
    case 'binary':
      return join(expression.operator, of(expression.left), of(expression.right));
  }
}

function variable(name: string, variables: Variables): Value {
  const value = variables.get(name);
  if (value === undefined)
    throw new UserError(`there is no ${name}: known names are ${[...variables.keys()].join(', ')}`);
  return value;
}

function attribute(of: Value, name: string): Value {
  const value = of instanceof Thing ? of.attribute(name) : undefined;
  if (value !== undefined) return value;
  const names = of instanceof Thing ? of.names() : [];
  const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
  throw new UserError(`${titleOf(of)} has no attribute ${name}: ${known}`);
}

function call(of: Value, args: Value[]): Value {
  if (of instanceof Thing) return of.call(args);
  throw new UserError(`${titleOf(of)} can't be called`);
}

function item(of: Value, index: Value): Value {
  const length = lengthOf(of);
  const at = whole(index);
  const place = at < 0 ? length + at : at;
  if (place < 0 || place >= length)
    throw new UserError(`${titleOf(of)} has no element ${at}: there ${length === 1 ? 'is 1' : `are ${length}`}`);
  return Array.isArray(of) ? of[place]! : (of as Thing).item(place);
}

/** Bounds outside of it are its ends, as in Python. */
function slice(of: Value, from: Value, to: Value): Value {
  const length = lengthOf(of);
  const bound = (value: Value, missing: number) => {
    if (value === null) return missing;
    const at = whole(value);
    return Math.min(length, Math.max(0, at < 0 ? length + at : at));
  };
  const start = bound(from, 0);
  const end = Math.max(start, bound(to, length));
  return Array.isArray(of) ? of.slice(start, end) : (of as Thing).slice(start, end);
}

function lengthOf(of: Value): number {
  const length = Array.isArray(of) || of instanceof Thing ? of.length : undefined;
  if (length === undefined) throw new UserError(`${titleOf(of)} has no elements`);
  return length;
}

function whole(value: Value): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw new UserError(`an index is a whole number, not ${titleOf(value)}`);
}

function negative(of: Value): Value {
  if (typeof of === 'number') return -of;
  throw new UserError(`- is for numbers and sets of objects, not before ${titleOf(of)}`);
}

function complement(of: Value): Value {
  if (of instanceof Thing) return of.complement();
  throw new UserError(`~ is for sets of objects, not for ${titleOf(of)}`);
}

function join(operator: Binary, left: Value, right: Value): Value {
  if (typeof left === 'number' && typeof right === 'number') {
    if (operator === '+') return left + right;
    if (operator === '-') return left - right;
  }
  const joined = left instanceof Thing ? left.join(operator, right) : undefined;
  if (joined === undefined) throw new UserError(`${titleOf(left)} ${operator} ${titleOf(right)} has no meaning`);
  return joined;
}
