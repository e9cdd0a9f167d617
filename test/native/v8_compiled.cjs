'use strict';
// Calls functions until V8 has compiled them in the way that is asked for, and blocks in the last call. Just before it
// tells, as a line of JSON, where each function of this file is: [[function, line, column], ...], innermost first.
//
// node [--allow-natives-syntax ...] v8_compiled.cjs interpreted | baseline | maglev | turbofan | deoptimized | natural | osr
const fs = require('fs');
const vm = require('vm');

const mode = process.argv[2];
const state = { mode, blocks: false, never: false, sink: 0 };
Error.stackTraceLimit = Infinity;

function tell() {
  const prepare = Error.prepareStackTrace;
  Error.prepareStackTrace = (_, sites) => sites;
  const sites = new Error().stack;
  Error.prepareStackTrace = prepare;
  const here = sites.slice(1).filter((site) => [__filename, 'wide.js'].includes(site.getFileName()));
  const frames = here.map((site) => [String(site.getFunctionName()), site.getLineNumber(), site.getColumnNumber()]);
  fs.writeSync(1, `${JSON.stringify(frames)}\n`);
}

// Not of this file, so that it can't be mistaken for one of its functions, and too large to be inlined: what it does last
// it does for the first time, for which optimized code would be given up.
const wait = new Function(
  'state', 'fs', 'tell', 'native',
  `if (state.never) { ${'state.sink += state.sink % 7; '.repeat(200)} }
  if (!state.blocks) return 1;
  tell();
  if (state.mode === 'deoptimized') native.functions.forEach(native.deoptimize);
  fs.readSync(0, Buffer.alloc(1));
  return 1;`,
);

function natives(name) {
  return new Function('f', `%${name}(f)`);
}

const usesNatives = process.execArgv.includes('--allow-natives-syntax');
const native = usesNatives ? { deoptimize: natives('DeoptimizeFunction'), functions: null } : null;

function innermost(n) {
  return n + wait(state, fs, tell, native);
}

function branches(n) {
  let sum = 0;
  for (let i = 0; i < 3; i++) {
    if (i === 1) sum += innermost(n); else sum += i;
  }
  return sum;
}

class Shape {
  #size = 3;
  constructor(n) {
    this.area = this.#size * branches(n);
  }
  get twice() {
    return 2 * callWithMore(this.#size);
  }
}

function callWithMore(n) {
  return makes.call(null, n, 1, 2, 3);
}

function makes(n) {
  return new Shape(n).area;
}

function maps(values) {
  return values.map((value) => value + shape.twice);
}

function catches(values) {
  try {
    return maps(values).length;
  } catch {
    return 0;
  } finally {
    state.sink++;
  }
}

// Registers and constants that need more than one byte: byte codes with prefixes.
const many = Array.from({ length: 300 }, (_, i) => i);
const wide = vm.runInThisContext(
  `(function wide(catchesOf, n) {
    ${many.map((i) => `let v${i} = n + ${i} * 1.5; const s${i} = 'text ${i}';`).join(' ')}
    const result = catchesOf(n) + v299;
    return result + ${many.map((i) => `v${i} + s${i}.length`).join(' + ')};
  })`.replace(/\n/g, ' '),
  { filename: 'wide.js' },
);

function catchesOf(n) {
  return catches([n]);
}

function spreads(...values) {
  return Math.max(...[catches(values), 1]);
}

function outermost(n) {
  const { length } = [spreads(n, n), catchesOf(n)];
  return length + n;
}

function loops(count) {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    state.blocks = i === count - 1;
    sum += outermost(i);
  }
  return sum;
}

const shape = new Shape(1);
const functions = [innermost, branches, Shape, callWithMore, makes, maps, catches, catchesOf, spreads, outermost];

if (usesNatives) native.functions = functions;

function warm() {
  for (let i = 0; i < 10; i++) outermost(i);
}

function compile(each, all) {
  const prepare = natives('PrepareFunctionForOptimization');
  for (const f of all) prepare(f);
  warm();
  for (const f of all) each(f);
}

function start() {
  if (mode === 'baseline') {
    compile(natives('CompileBaseline'), [...functions, wide]);
    wide(catchesOf, 1);
    state.blocks = true;
    return wide(catchesOf, 1);
  }
  if (mode === 'maglev') compile(natives('OptimizeMaglevOnNextCall'), functions);
  if (mode === 'turbofan' || mode === 'deoptimized') compile(natives('OptimizeFunctionOnNextCall'), functions);
  if (mode === 'natural') {
    // another thread compiles, whenever it gets to it
    const end = Date.now() + 500;
    for (let i = 0; i < 100000 || Date.now() < end; i++) outermost(i);
  }
  if (mode === 'osr') return loops(200000);
  if (mode !== 'interpreted') outermost(1);
  state.blocks = true;
  return outermost(1);
}

start();
