/**
 * A Node program that works as tools for source text do: it makes up programs, parses them by recursive descent, writes
 * their trees into Buffers, translates them to JavaScript, which V8 compiles and runs, and compresses what came of it. Its
 * stacks are deep, and seldom the same twice.
 *
 *     node node_load.cjs ROUNDS [GATE]
 *
 * Does the work ROUNDS times (some 30 ms each). With GATE it says "waiting" and begins when a file of that name exists, so
 * that a tracer can be attached before. At the end it prints how long the work has taken, by the clock and of the
 * processor; the start of node is not in it.
 */
'use strict';
const { existsSync } = require('node:fs');
const { deflateSync, inflateSync } = require('node:zlib');

const FUNCTIONS = 40;
const DEPTH = 9;
/** Operators by precedence, those that bind loosest first. */
const LEVELS = [['||'], ['&&'], ['|'], ['^'], ['&'], ['==', '!='], ['<', '>'], ['<<', '>>'], ['+', '-'], ['*', '%']];
const OPERATORS = LEVELS.flat();
const TOKEN = /\s*(\d+|[a-z]\w*|\|\||&&|[=!]=|<<|>>|[-+*%<>&|^?:(),])/y;

/** The same numbers each time (mulberry32). */
function randomNumbers(seed) {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

function makeExpression(random, depth) {
  if (depth === 0) return random(3) > 0 ? `${random(1000)}` : 'abc'[random(3)];
  const part = () => makeExpression(random, depth - 1 - random(Math.min(depth, 3)));
  switch (random(5)) {
    case 0:
      return `(${part()})`;
    case 1:
      return `(${part()} ? ${part()} : ${part()})`;
    case 2:
      return `max(${part()}, ${part()})`;
    default:
      return `${part()} ${OPERATORS[random(OPERATORS.length)]} ${part()}`;
  }
}

class Node {
  constructor(kind, text, children) {
    this.kind = kind;
    this.children = children;
    this.bytes = Buffer.from(`${kind} ${text} ${children.length}\n`.padEnd(64));
  }
}

class Parser {
  constructor(text) {
    this.text = text;
    this.next();
  }

  next() {
    const { token } = this;
    TOKEN.lastIndex = this.at ?? 0;
    this.token = TOKEN.exec(this.text)?.[1] ?? null;
    this.at = TOKEN.lastIndex;
    return token;
  }

  expect(token) {
    if (this.next() !== token) throw new SyntaxError(`expected ${token} at ${this.at}`);
  }

  choice() {
    const condition = this.binary(0);
    if (this.token !== '?') return condition;
    this.next();
    const yes = this.choice();
    this.expect(':');
    return new Node('choice', '', [condition, yes, this.choice()]);
  }

  binary(level) {
    if (level === LEVELS.length) return this.primary();
    let left = this.binary(level + 1);
    while (LEVELS[level].includes(this.token)) {
      const operator = this.next();
      left = new Node('binary', operator, [left, this.binary(level + 1)]);
    }
    return left;
  }

  primary() {
    if (this.token === '(') return this.group();
    const text = this.next();
    if (text === 'max') return this.call(text);
    return new Node(/^\d/.test(text) ? 'number' : 'name', text, []);
  }

  group() {
    this.next();
    const inner = this.choice();
    this.expect(')');
    return inner;
  }

  call(name) {
    this.next();
    const first = this.choice();
    this.expect(',');
    const second = this.choice();
    this.expect(')');
    return new Node('call', name, [first, second]);
  }
}

const TRANSLATE = {
  number: (text) => text,
  name: (text) => text,
  binary: (text, [left, right]) => `(${translate(left)} ${text} ${translate(right)} | 0)`,
  choice: (_, [condition, yes, no]) => `(${translate(condition)} ? ${translate(yes)} : ${translate(no)})`,
  call: (text, children) => `Math.${text}(${children.map(translate).join(', ')})`,
};

function translate(node) {
  const text = node.bytes.toString().split(' ')[1];
  return TRANSLATE[node.kind](text, node.children);
}

function serialize(node) {
  return Buffer.concat([node.bytes, ...node.children.map(serialize)]);
}

function work(seed) {
  const random = randomNumbers(seed);
  const results = [];
  for (let number = 0; number < FUNCTIONS; number++) {
    const tree = new Parser(makeExpression(random, DEPTH)).choice();
    const run = new Function('a', 'b', 'c', `return ${translate(tree)};`);
    const packed = deflateSync(serialize(tree));
    results.push(run(seed, number, 3), inflateSync(packed).length);
  }
  return results;
}

function waitFor(gate) {
  console.log('waiting');
  const lock = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(gate)) Atomics.wait(lock, 0, 0, 5);
}

const [rounds, gate] = process.argv.slice(2);
if (gate) waitFor(gate);
const begin = process.hrtime.bigint();
const cpuBegin = process.cpuUsage();
for (let seed = 0; seed < Number(rounds); seed++) {
  if (work(seed).length !== 2 * FUNCTIONS) throw new Error('unreachable');
}
const elapsed = Number(process.hrtime.bigint() - begin) / 1e9;
const { user, system } = process.cpuUsage(cpuBegin);
console.log(`elapsed ${elapsed.toFixed(6)} s, processor ${((user + system) / 1e6).toFixed(6)} s`);
