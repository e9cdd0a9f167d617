/**
 * Files that mp makes, often as root in a folder of somebody else. Whoever may write there may plant a link under the
 * name, or exchange the file: nothing is written through a link, and nothing is taken over that is there already.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';

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
  /** A file or a link under that name makes way; what it leads to stays. */
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

export type Chunk = string | Uint8Array;

/** All of a file, or its parts as they are made. */
export type Content = Chunk | Iterable<Chunk>;

/**
 * A file that could not be written to its end is removed.
 * @throws Error with `code`, EEXIST if there is one; a device or pipe is never replaced. Also what `content` throws.
 */
export function createNewFile(path: string, { replace, owner, mode }: NewFile, content: Content = ''): Identity {
  // What is there stays until the new file is whole: the disk may be full.
  const isOver = replace && isReplaceable(path) && lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  const written = isOver ? `${path}.${randomBytes(6).toString('hex')}` : path;
  const file = openSync(written, 'wx', mode);
  let made: Identity | null = null;
  try {
    const { dev, ino } = fstatSync(file, { bigint: true });
    made = { device: dev, inode: ino };
    if (owner !== null) fchownSync(file, owner.uid, owner.gid);
    writeAll(file, content);
    if (isOver) renameSync(written, path);
    return made;
  } catch (error) {
    if (made !== null && isStill(written, made)) rmSync(written, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, content: Content): void {
  for (const chunk of chunksOf(content)) {
    for (let rest = Buffer.from(chunk as string); rest.length > 0; ) rest = rest.subarray(writeSync(file, rest));
  }
}

export function chunksOf(content: Content): Iterable<Chunk> {
  return typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
}

/** Whether `path` is still that file, and no link to it. */
export function isStill(path: string, { device, inode }: Identity): boolean {
  const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return status !== undefined && status.dev === device && status.ino === inode;
}

/** Writes to a device or pipe. Of links only root's are followed, as /dev/stdout is one. @throws Error with `code`. */
export function writeToDevice(path: string, content: Content): void {
  const isTrusted = lstatSync(path).uid === 0;
  const file = openSync(path, constants.O_WRONLY | (isTrusted ? 0 : constants.O_NOFOLLOW));
  try {
    writeAll(file, content);
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
