/**
 * Files that mp makes, often as root in a folder of somebody else. Whoever may write there may plant a link under the
 * name, or exchange the file: nothing is written through a link, and nothing is taken over that is there already.
 */
import { closeSync, constants, fchownSync, fstatSync, lstatSync, openSync, rmSync, statSync, writeSync } from 'node:fs';

export interface Owner {
  uid: number;
  gid: number;
}

/** The caller of sudo, if that is how mp was started. */
export function ownerUnderSudo(): Owner | null {
  const uid = Number(process.env.SUDO_UID);
  const gid = Number(process.env.SUDO_GID);
  return process.getuid?.() === 0 && uid > 0 && gid >= 0 ? { uid, gid } : null;
}

export interface NewFile {
  /** A file or a link under that name is removed first; what it leads to stays. */
  replace: boolean;
  /** Null: the user of this process. */
  owner: Owner | null;
  /** Permission bits. */
  mode: number;
}

/** What tells a file from another one that is put in its place. */
export interface Identity {
  device: bigint;
  inode: bigint;
}

/** @throws Error with `code`, EEXIST if there is one; a device or pipe is never replaced. */
export function createNewFile(path: string, { replace, owner, mode }: NewFile, text = ''): Identity {
  if (replace && isReplaceable(path)) rmSync(path, { force: true });
  const file = openSync(path, 'wx', mode);
  try {
    if (owner !== null) fchownSync(file, owner.uid, owner.gid);
    writeAll(file, text);
    const { dev, ino } = fstatSync(file, { bigint: true });
    return { device: dev, inode: ino };
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, text: string): void {
  for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(file, rest));
}

/** Whether `path` is still that file, and no link to it. */
export function isStill(path: string, { device, inode }: Identity): boolean {
  const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return status !== undefined && status.dev === device && status.ino === inode;
}

/** Writes to a device or pipe. Of links only root's are followed, as /dev/stdout is one. @throws Error with `code`. */
export function writeToDevice(path: string, text: string): void {
  const isTrusted = lstatSync(path).uid === 0;
  const file = openSync(path, constants.O_WRONLY | (isTrusted ? 0 : constants.O_NOFOLLOW));
  try {
    writeAll(file, text);
  } finally {
    closeSync(file);
  }
}

/** False for devices, pipes and folders, and for links to them. */
export function isReplaceable(path: string): boolean {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined || status.isFile()) return true;
  return status.isSymbolicLink() && isFileOrNothing(path);
}

function isFileOrNothing(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return true; // a link to nothing, or to itself
  }
}
