/**
 * Objects of running processes that are remembered from one command to the next: for root in /run/mp-heap, for others below
 * $XDG_RUNTIME_DIR, one file of packed bytes for each:
 *
 *     <pid>.<start time>.<name>
 *
 * The start time tells a process from a later one of that pid. What belongs to none that runs is removed, and when there
 * is too much, the oldest.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { decodeMark, encodeMark, type Mark } from '../../heap/mark.ts';
import { UserError } from '../../util/errors.ts';
import { createNewFile } from '../../util/new-file.ts';
import { startTimeOf } from '../registry.ts';

export const NEW_IDS = '.new-ids';

const NAME = /^[A-Za-z][\w-]{0,63}$/;
const FILE = /^(\d+)\.(\d+)\.\.?[\w-]+$/;
/** Of all together, packed. */
const MAX_BYTES = 256 * 2 ** 20;
const MAX_MARKS = 64;
/** Unpacked. */
const MAX_SET_BYTES = 2 ** 31 - 1;

/** Whether it can be the name of a mark. */
export function isMarkName(name: string): boolean {
  return NAME.test(name);
}

export function marksDirectory(): string {
  if (process.getuid?.() === 0) return '/run/mp-heap';
  const own = process.env.XDG_RUNTIME_DIR;
  if (!own) throw new UserError('XDG_RUNTIME_DIR is not set: there is no place to remember objects in');
  return join(own, 'mp-heap');
}

/** @throws UserError if it can't be written. */
export function keepMark(pid: number, name: string, objects: Mark, directory = marksDirectory()): void {
  const packed = gzipSync(encodeMark(objects), { level: constants.Z_BEST_SPEED });
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    createNewFile(fileOf(pid, name, directory), { replace: true, owner: null, mode: 0o600 }, packed);
  } catch (error) {
    throw new UserError(`cannot remember objects in ${directory}: ${(error as Error).message}`);
  }
  tidy(directory);
}

/** null: there is none of that name of this process. @throws UserError if it is damaged. */
export function readMark(pid: number, name: string, directory = marksDirectory()): Mark | null {
  const path = fileOf(pid, name, directory);
  let packed: Uint8Array;
  try {
    packed = readFileSync(path);
  } catch {
    return null;
  }
  try {
    const objects = decodeMark(gunzipSync(packed, { maxOutputLength: MAX_SET_BYTES }));
    if (objects !== null) return objects;
  } catch {
    // the same as what is no set
  }
  throw new UserError(`${path} is damaged: remove it`);
}

function fileOf(pid: number, name: string, directory: string): string {
  return join(directory, `${pid}.${startTimeOf(pid) ?? 0}.${name}`);
}

/** Also of files that another mp removes meanwhile. */
function tidy(directory: string): void {
  const files = readdirSync(directory).flatMap((name) => {
    const [, pid, start] = FILE.exec(name) ?? [];
    const path = join(directory, name);
    const status = statSync(path, { throwIfNoEntry: false });
    if (pid === undefined || status === undefined) return [];
    return [{ path, isOver: startTimeOf(Number(pid)) !== start, bytes: status.size, at: status.mtimeMs }];
  });
  let bytes = 0;
  let count = 0;
  for (const file of files.sort((a, b) => b.at - a.at)) {
    if (!file.isOver) {
      bytes += file.bytes;
      count++;
    }
    if (file.isOver || ((bytes > MAX_BYTES || count > MAX_MARKS) && count > 1)) rmSync(file.path, { force: true });
  }
}
