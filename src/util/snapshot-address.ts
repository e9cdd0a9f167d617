/** `CAPTURE@ID`: a snapshot inside a capture. A file that is named so is that file. */
import { existsSync } from 'node:fs';

export interface SnapshotAddress {
  file: string;
  /** Null: the capture itself. */
  snapshot: number | null;
}

export function parseAddress(path: string): SnapshotAddress {
  const [, file, id] = /^(.+)@(\d{1,9})$/s.exec(path) ?? [];
  if (file === undefined || existsSync(path) || !existsSync(file)) return { file: path, snapshot: null };
  return { file, snapshot: Number(id) };
}

export function formatAddress(file: string, snapshot: number): string {
  return `${file}@${snapshot}`;
}
