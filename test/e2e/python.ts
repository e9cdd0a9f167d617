/** CPythons of this machine, recordings of test/programs/python with them, and the comparison with their stated truth. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import type { CaptureFile, ViewRow } from './capture-file.ts';
import { MP, mp, openCapture, scratchFolder, start, untilTraced } from './helpers.ts';
import type { Mode } from './truth.ts';

const PROGRAMS = resolve(import.meta.dirname, '../programs/python');
const MINOR_VERSIONS = [8, 9, 10, 11, 12, 13];
const ELF_MAGIC = '\x7fELF';

/** Their byte code is not to be written beside the sources. */
export const ENVIRONMENT = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };

export interface Python {
  path: string;
  /** `3.11.2`. */
  version: string;
}

/** A version manager puts scripts of that name into PATH; only the interpreter itself is wanted. */
function isElf(path: string): boolean {
  const magic = Buffer.alloc(ELF_MAGIC.length);
  const file = openSync(path, 'r');
  readSync(file, magic);
  closeSync(file);
  return magic.toString('latin1') === ELF_MAGIC;
}

/** Folders with interpreters: those of PATH, and of every version that pyenv has. */
function folders(): string[] {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions');
  const managed = existsSync(versions) ? readdirSync(versions).sort() : [];
  const inPath = (process.env.PATH ?? '').split(delimiter);
  return [...inPath, '/usr/bin', ...managed.map((version) => join(versions, version, 'bin'))];
}

/** Every supported CPython, oldest first, each once. Fails if there is none. */
export function findPythons(): Python[] {
  const byRealPath = new Map<string, Python>();
  for (const minor of MINOR_VERSIONS) {
    for (const folder of folders()) {
      const path = join(folder, `python3.${minor}`);
      if (!existsSync(path) || !isElf(path) || byRealPath.has(realpathSync(path))) continue;
      const script = 'import platform; print(platform.python_version())';
      const version = execFileSync(path, ['-c', script], { encoding: 'utf8' }).trim();
      byRealPath.set(realpathSync(path), { path, version });
    }
  }
  assert.ok(byRealPath.size > 0, 'no CPython from 3.8 to 3.13 in PATH, /usr/bin or of pyenv');
  return [...byRealPath.values()];
}

export function pythonProgram(name: string): string {
  return join(PROGRAMS, name);
}

/** A place that allocates as CPython itself sees it, see test/programs/python/sites.py. */
export interface StatedSite {
  /** Alternatives are separated by `|`. */
  allocator: string;
  /** null: not known. */
  bytes: number | null;
  allocations?: number;
  temporary?: { allocations: number; bytes: number };
  /** `threading.Thread.name`. */
  thread: string;
  /** Parts of module paths: native frames of each lie between the Python frames and the allocator. */
  modules: string[];
  /** Function, file and line, innermost first. */
  frames: [string, string, number][];
}

/** What `program` states under `python`. Fails where two sites have one size, or one stack. */
export function statedSites(python: Python, program: string): StatedSite[] {
  const options = { encoding: 'utf8', env: ENVIRONMENT, maxBuffer: 2 ** 24 } as const;
  const lines = execFileSync(python.path, [pythonProgram(program), 'state'], options)
    .trim()
    .split('\n');
  const sites = lines.map((line) => JSON.parse(line) as StatedSite);
  for (const key of [
    (site: StatedSite) => site.bytes ?? site.frames,
    (site: StatedSite) => [site.thread, site.frames],
  ]) {
    const keys = sites.map((site) => `${site.allocator} ${JSON.stringify(key(site))}`);
    assert.equal(new Set(keys).size, keys.length, `${program}: two sites cannot be told apart`);
  }
  return sites;
}

export async function recordPython(
  t: TestContext,
  mode: Mode,
  python: Python,
  program: string,
  mpArgs: string[] = [],
): Promise<CaptureFile> {
  const folder = scratchFolder(t);
  const path = join(folder, 'capture.db');
  if (mode === 'run') {
    const args = ['run', '-q', ...mpArgs, '--python', python.path, '-o', path, pythonProgram(program)];
    const { code, stderr } = await mp(t, args, { env: ENVIRONMENT });
    assert.deepEqual([code, stderr], [0, '']);
    return openCapture(t, path);
  }
  const gate = join(folder, 'gate');
  const target = start(t, python.path, [pythonProgram(program)], { env: { ...ENVIRONMENT, MP_GATE: gate } });
  const tracer = start(t, MP, ['trace', '-q', ...mpArgs, '--pid', `${target.pid}`, '-o', path]);
  await untilTraced(path, target.pid, tracer);
  writeFileSync(gate, '');
  const [targetEnd, tracerEnd] = await Promise.all([target.finished, tracer.finished]);
  assert.deepEqual([targetEnd.code, targetEnd.stdout, targetEnd.stderr], [0, 'ok\n', '']);
  assert.equal(tracerEnd.code, 0, tracerEnd.stderr);
  return openCapture(t, path);
}

/** Starts a program of test/programs/python that waits behind its gate, without site: what is installed there varies. */
export function startGatedPython(t: TestContext, python: Python, program: string) {
  const gate = join(scratchFolder(t), 'gate');
  const env = { ...ENVIRONMENT, MP_GATE: gate };
  const target = start(t, python.path, ['-S', pythonProgram(program)], { env });
  let written = '';
  target.child.stdout!.on('data', (text: string) => {
    written += text;
  });
  return { ...target, stdout: () => written, open: () => writeFileSync(gate, ''), close: () => rmSync(gate) };
}

export interface StackFrame {
  function: string | null;
  file: string | null;
  line: number | null;
  language: string;
  module: string | null;
}

/** Stacks whose outermost frame is a Python one: its evaluation loop was not recognized among the native frames. */
export function unmergedStacks(capture: CaptureFile): string[] {
  const stacks = new Stacks(capture);
  return capture
    .rows('allocations')
    .map((row) => stacks.frames(row.stack_id))
    .filter((frames) => frames.at(-1)?.language === 'python')
    .map((frames) => frames.map(describeFrame).join(' < '));
}

/** All stacks of a capture, read once: the view stack_frame writes out every one, also 2,000 times 2,000 frames. */
export class Stacks {
  readonly #nodes = new Map<number, StackFrame & { parent_id: number | null }>();

  constructor(capture: CaptureFile) {
    const nodes = capture.all<StackFrame & { id: number; parent_id: number | null }>(
      `SELECT stack.id, parent_id, function, file, line, language, path AS module
       FROM stack JOIN frame ON frame.id = frame_id LEFT JOIN module ON module.id = module_id`,
    );
    for (const node of nodes) this.#nodes.set(node.id, node);
  }

  /** Innermost first. */
  frames(stackId: number | null): StackFrame[] {
    const frames: StackFrame[] = [];
    for (let id = stackId; id !== null; id = this.#nodes.get(id)!.parent_id) frames.push(this.#nodes.get(id)!);
    return frames;
  }
}

function describeFrame(frame: StackFrame): string {
  return `${frame.function} ${frame.file}:${frame.line}`;
}

/** The first difference between the Python frames of a stack and the stated ones. */
export function comparePythonFrames(stated: StatedSite['frames'], frames: StackFrame[]): string | null {
  const found = frames.filter((frame) => frame.language === 'python').map(describeFrame);
  const expected = stated.map(([name, file, line]) => `${name} ${file}:${line}`);
  if (found.length === 0) return 'the stack has no Python frame';
  const at = expected.findIndex((text, index) => text !== found[index]);
  if (at !== -1) return `Python frame ${at} is stated as ${expected[at]}, recorded as ${found[at]}`;
  return found.length === expected.length ? null : `${found.length} Python frames, ${expected.length} stated`;
}

/** What is wrong with the native frames around the Python frames of a site. */
export function compareNativeFrames(site: StatedSite, frames: StackFrame[]): string | null {
  const isPython = (frame: StackFrame) => frame.language === 'python';
  const first = frames.findIndex(isPython);
  const inner = frames.slice(0, first);
  if (inner.length === 0) return 'no native frame between Python and the allocator';
  if (isPython(frames.at(-1)!)) return 'the outermost frame is no native one';
  const missing = site.modules.find((module) => !inner.some((frame) => frame.module?.includes(module)));
  if (missing) return `no frame of ${missing} between Python and the allocator`;
  const isCallback = site.frames[0]![0].startsWith('called_by_');
  if (isCallback && isPython(frames[first + 1]!)) return 'no native frame between a callback and its caller';
  return null;
}

/** Rows of a view that belong to a site by their allocator and by their Python frames. */
export function rowsAt(site: StatedSite, view: string, capture: CaptureFile, stacks: Stacks): ViewRow[] {
  return capture
    .rows(view)
    .filter((row) => site.allocator.split('|').includes(row.allocator))
    .filter((row) => comparePythonFrames(site.frames, stacks.frames(row.stack_id)) === null);
}

/** Rows of a site, found without looking at Python frames where its size is known. */
function candidates(site: StatedSite, capture: CaptureFile, stacks: Stacks): ViewRow[] {
  if (site.bytes === null) return rowsAt(site, 'allocations', capture, stacks);
  return capture
    .rows('allocations')
    .filter((row) => site.allocator.split('|').includes(row.allocator) && row.bytes === site.bytes);
}

function compareSite(site: StatedSite, capture: CaptureFile, stacks: Stacks): string | null {
  const rows = candidates(site, capture, stacks);
  if (rows.length === 0) return 'no row';
  if (site.bytes !== null && (rows.length > 1 || rows[0]!.allocations !== 1)) return 'more than one allocation';
  const problems = rows.map((row) => {
    const frames = stacks.frames(row.stack_id);
    return comparePythonFrames(site.frames, frames) ?? compareNativeFrames(site, frames);
  });
  return problems.includes(null) ? null : problems[0]!;
}

/** Every difference between what a program states and the capture, and what is wrong with the capture itself. */
export function compareSites(sites: StatedSite[], capture: CaptureFile): string[] {
  const stacks = new Stacks(capture);
  const differences = sites.flatMap((site) => {
    const problem = compareSite(site, capture, stacks);
    return problem ? [`${site.frames[0]![0]}, ${site.allocator} ${site.bytes}: ${problem}`] : [];
  });
  return [...differences, ...compareHealth(capture)];
}

/** Python frames that were seen but not named, lost events, and sums that don't agree. */
export function compareHealth(capture: CaptureFile): string[] {
  const unnamed = capture.all<StackFrame>(
    `SELECT function, file, line FROM frame WHERE language = 'python' AND (function IS NULL OR file IS NULL)`,
  );
  const dropped = capture.losses().get('ring_dropped');
  return [
    ...unnamed.map((frame) => `a Python frame without a name: ${describeFrame(frame)}`),
    ...(dropped === 0 ? [] : [`ring_dropped is ${dropped}`]),
    ...capture.inconsistencies(),
  ];
}
