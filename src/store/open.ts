/**
 * What must be known of a file before it is opened as a capture.
 *
 * A recorder that was killed leaves FILE, FILE-wal (the last commits) and FILE-shm. SQLite puts them together again, but
 * must be allowed to write next to FILE. If it isn't, all of it is done on a copy:
 *
 *     capture.db capture.db-wal   ->   /tmp/mp-XXXXXX/capture.db  /tmp/mp-XXXXXX/capture.db-wal   (removed once open)
 */

import { closeSync, copyFileSync, existsSync, mkdtempSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreError, UserError } from '../util/errors.ts';
import type { Db } from './db.ts';

/** `mp`, in the header of the file (offset 68), where file(1) looks as well. */
export const APPLICATION_ID = 0x6d70;
/** Counts up when older versions of mp could misread a capture. */
export const FORMAT_VERSION = 1;

const WAL_HEADER_BYTES = 32;
const COPY_ATTEMPTS = 5;

/** @throws UserError unless `path` is a file that can be read. */
export function mustExist(path: string): void {
  let isFile: boolean;
  try {
    isFile = statSync(path).isFile();
    closeSync(openSync(path, 'r'));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new UserError(`No such file: ${path}`);
    if (code === 'EACCES' || code === 'EPERM') throw new UserError(`Failed to read capture ${path}: permission denied`);
    throw new UserError(`Failed to read capture ${path}: ${(error as Error).message}`);
  }
  if (!isFile) throw new UserError(`Failed to read capture ${path}: not a regular file`);
}

/** Why `db` can't be read as a capture, or null. */
export function foreignReason(db: Db): string | null {
  const { application_id: application } = db.get<{ application_id: number }>('PRAGMA application_id') ?? {};
  if (application !== APPLICATION_ID) return 'not a capture of mp';
  const { user_version: version } = db.get<{ user_version: number }>('PRAGMA user_version') ?? {};
  if (version === undefined || version < 1) return `unknown format ${version}`;
  if (version > FORMAT_VERSION) {
    return `it has format ${version} of a newer mp; this one reads up to format ${FORMAT_VERSION}`;
  }
  const tables = db.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE name IN ('meta', 'process', 'site')");
  return tables.length === 3 ? null : 'tables are missing';
}

/** A private copy of a capture and its log; `remove` may be called once it is open. */
export function copyAside(path: string): { path: string; remove(): void } {
  const directory = newFolder(path);
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const copy = join(directory, 'capture.db');
    for (let attempt = 0; attempt < COPY_ATTEMPTS; attempt++) {
      // Between two copies a checkpoint may move pages from the log into the file and begin a new log.
      const before = walHeader(path);
      copyFileSync(path, copy);
      if (before !== '') copyFileSync(`${path}-wal`, `${copy}-wal`);
      if (before === walHeader(path)) return { path: copy, remove };
      rmSync(`${copy}-wal`, { force: true });
    }
    throw new StoreError('it changes too fast to be copied', 'SQLITE_BUSY');
  } catch (error) {
    remove();
    if (error instanceof StoreError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UserError(`Failed to read capture ${path}: ${code === 'EACCES' ? 'permission denied' : message}`);
  }
}

function newFolder(path: string): string {
  try {
    return mkdtempSync(join(tmpdir(), 'mp-'));
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'EACCES' ? 'permission denied' : (error as Error).message;
    throw new UserError(
      `Failed to read capture ${path}: its last commits are in ${path}-wal, which takes a temporary copy to be read, ` +
        `and ${tmpdir()} can't hold one (${reason}); set TMPDIR to a folder that you may write`,
    );
  }
}

/** The header of the log as hex, which names the log by its salt; empty if there is none. */
function walHeader(path: string): string {
  if (!existsSync(`${path}-wal`)) return '';
  const file = openSync(`${path}-wal`, 'r');
  try {
    const header = new Uint8Array(WAL_HEADER_BYTES);
    const length = readSync(file, header, 0, WAL_HEADER_BYTES, 0);
    return length === 0 ? '' : Buffer.from(header.subarray(0, length)).toString('hex');
  } finally {
    closeSync(file);
  }
}
