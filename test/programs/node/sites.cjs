/**
 * What the Node targets share, as sites.py for those of Python: the gate, and how they state their truth.
 *
 * Gate.  With MP_GATE=FILE in its environment a program waits until FILE exists, and at its end until FILE is gone: names are
 * read out of a process, and only one that `mp run` has started is held for it. A Buffer of END_BYTES says that the end
 * is reached. Without, nothing waits for a tracer: a program ends as soon as it has allocated.
 *
 * Truth.  With the argument `state` a program goes the same ways, but prints at each site the stack that V8 itself sees
 * there instead of allocating: one JSON object a line, with the frames innermost first as [function, file, line]. So
 * the truth needs no line numbers by hand, and holds for every version. V8's stack traces are without the class of a
 * method; a line that ends in `// shown as NAME` states the whole name of the function that it is in, and its frame has
 * a fourth word, true.
 */
'use strict';
const { existsSync, readFileSync, writeSync } = require('node:fs');
const { fileURLToPath } = require('node:url');

const END_BYTES = 77_777_777; // more than any program allocates else
const STATES = process.argv.includes('state');
Error.stackTraceLimit = Number.POSITIVE_INFINITY;

function waitUntilGate(exists) {
  const gate = process.env.MP_GATE;
  const lock = new Int32Array(new SharedArrayBuffer(4));
  while (gate && !STATES && existsSync(gate) !== exists) Atomics.wait(lock, 0, 0, 1);
}

function waitForGate() {
  waitUntilGate(true);
}

const sources = new Map();

/** The comment at the end of a line; null: there is none. */
function shownName(file, line) {
  if (!file?.startsWith(__dirname)) return null;
  if (!sources.has(file)) sources.set(file, readFileSync(file, 'utf8').split('\n'));
  return /\/\/ shown as (.+)$/.exec(sources.get(file)[line - 1] ?? '')?.[1] ?? null;
}

function describe(site) {
  const script = site.getScriptNameOrSourceURL() || null;
  const file = script?.startsWith('file:') ? fileURLToPath(script) : script;
  const line = site.getLineNumber();
  const shown = shownName(file, line);
  return shown ? [shown, file, line, true] : [site.getFunctionName() ?? '', file, line];
}

/** The frames below `callee`. Functions built into V8 have no line; what awaits has no frame. */
function stackBelow(callee) {
  const { prepareStackTrace } = Error;
  const holder = {};
  Error.prepareStackTrace = (_, sites) => sites;
  Error.captureStackTrace(holder, callee);
  const sites = holder.stack.filter((site) => site.getLineNumber() !== null && !site.isAsync());
  Error.prepareStackTrace = prepareStackTrace;
  return sites.map(describe);
}

function printSite(frames, allocator, bytes, modules = []) {
  const site = { allocator, bytes, thread: 'node', modules, frames };
  writeSync(1, `${JSON.stringify(site)}\n`);
}

function stateZeroed(bytes) {
  if (bytes > 0) printSite(stackBelow(stateZeroed), 'calloc', bytes);
}

function stateUnsafe(bytes) {
  printSite(stackBelow(stateUnsafe), 'malloc|calloc', bytes);
}

/** For a line that says `stated() || native()`: whether it has been. `native` is a part of names of native functions
 * that are to lie between this line and the allocator; how much they allocate is their business. */
function stated(native) {
  if (STATES) printSite(stackBelow(stated), 'malloc|calloc|realloc', null, [native]);
  return STATES;
}

function finish() {
  if (process.env.MP_GATE && !STATES) Buffer.alloc(END_BYTES);
  waitUntilGate(false);
  if (!STATES) writeSync(1, 'ok\n');
}

module.exports = {
  STATES,
  waitForGate,
  stated,
  finish,
  /** One calloc of `bytes` at the line of the call: no function of a user is added. Nothing at all with 0 bytes. */
  allocate: STATES ? stateZeroed : Buffer.alloc,
  /** The same with malloc, where node has a way around clearing memory. */
  allocateUnsafe: STATES ? stateUnsafe : Buffer.allocUnsafeSlow,
};
