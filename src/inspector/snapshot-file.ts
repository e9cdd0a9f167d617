/**
 * A file for a heap snapshot: on disk, and without a name from the beginning, so that nothing is left of it however mp
 * ends.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, openSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../util/errors.ts';
import { formatBytes } from '../util/format.ts';

/** Left to others. */
const RESERVE_BYTES = 256 * 2 ** 20;
/** How often it is looked whether there is still room. */
const CHECK_BYTES = 16 * 2 ** 20;

export class SnapshotFile {
  readonly file: number;
  private readonly folder: string;
  private size = 0;
  private unchecked = 0;

  /** @throws UserError if `expectedBytes` don't fit. */
  constructor(folder: string, expectedBytes: number) {
    this.folder = folder;
    this.mustHaveRoom(expectedBytes);
    const path = join(folder, `mp-${randomBytes(8).toString('hex')}.heapsnapshot`);
    try {
      this.file = openSync(path, 'wx+', 0o600);
      unlinkSync(path);
    } catch (error) {
      throw new UserError(`no file for a heap snapshot in ${folder} (TMPDIR): ${(error as Error).message}`);
    }
  }

  get bytes(): number {
    return this.size;
  }

  append(text: string): void {
    let rest: Uint8Array = Buffer.from(text);
    this.unchecked += rest.length;
    if (this.unchecked > CHECK_BYTES) {
      this.unchecked = 0;
      this.mustHaveRoom(CHECK_BYTES);
    }
    this.size += rest.length;
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.file, rest));
    } catch (error) {
      throw new UserError(
        `the heap snapshot cannot be written in ${this.folder} (TMPDIR): ${(error as Error).message}`,
      );
    }
  }

  close(): void {
    closeSync(this.file);
  }

  private mustHaveRoom(bytes: number): void {
    const free = freeIn(this.folder) - RESERVE_BYTES;
    if (free < bytes)
      throw new UserError(
        `the heap snapshot needs ${formatBytes(bytes)} more in ${this.folder}, where ${formatBytes(Math.max(0, free))} ` +
          'can be used: set TMPDIR to another folder',
      );
  }
}

function freeIn(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch (error) {
    throw new UserError(`no file for a heap snapshot in ${folder} (TMPDIR): ${(error as Error).message}`);
  }
}
