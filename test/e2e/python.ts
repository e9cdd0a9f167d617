/** CPythons of this machine, recordings of test/programs/python with them, and what is stated of Python frames. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import type { CaptureFile } from './capture-file.ts';
import { MP, mp, openCapture, scratchFolder, start, untilTraced } from './helpers.ts';
import {
  compareAll,
  compareFrames,
  compareNatives,
  compareState,
  describeFrame,
  type Language,
  readSites,
  rowsOfSite,
  Stacks,
  type StatedSite,
} from './stated-stacks.ts';
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

/** What `program` states under `python`. */
export function statedSites(python: Python, program: string): StatedSite[] {
  return readSites(program, python.path, [pythonProgram(program), 'state'], ENVIRONMENT);
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

/** Every Python frame has a name and a file of its own. */
export const PYTHON: Language = {
  name: 'python',
  select: (frames) => frames.filter((frame) => frame.language === 'python'),
  isSame: ([name, file, line], frame) => frame.function === name && frame.file === file && frame.line === line,
  unnamed: 'function IS NULL OR file IS NULL',
};

/** Stacks whose outermost frame is a Python one: its evaluation loop was not recognized among the native frames. */
export function unmergedStacks(capture: CaptureFile): string[] {
  const stacks = new Stacks(capture);
  return capture
    .rows('allocations')
    .map((row) => stacks.frames(row.stack_id))
    .filter((frames) => frames.at(-1)?.language === 'python')
    .map((frames) => frames.map(describeFrame).join(' < '));
}

export const comparePythonFrames = compareFrames.bind(null, PYTHON);
export const compareNativeFrames = compareNatives.bind(null, PYTHON);
export const rowsAt = rowsOfSite.bind(null, PYTHON);
export const compareSites = compareAll.bind(null, PYTHON);
export const compareHealth = compareState.bind(null, PYTHON);
