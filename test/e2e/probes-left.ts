/**
 * What a tracer has put into the kernel and into its target, seen from outside: BPF links by the descriptors of the
 * tracer, breakpoints by comparing the target's code in memory with the files that it comes from.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { TOOL_PATH } from './helpers.ts';

/** Ids of the BPF links that a process holds (proc_pid_fdinfo(5)). */
export function linksOf(pid: number): number[] {
  const folder = `/proc/${pid}/fdinfo`;
  const ids: number[] = [];
  for (const entry of readdirSync(folder)) {
    const id = /^link_id:\s*(\d+)$/m.exec(readIfThere(`${folder}/${entry}`))?.[1];
    if (id) ids.push(Number(id));
  }
  return ids;
}

/** A working process opens and closes files while its descriptors are being listed. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Those of `ids` that still exist in the kernel. */
export function linksLeft(ids: number[]): number[] {
  const { status, stdout } = spawnSync('bpftool', ['-j', 'link', 'show'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: TOOL_PATH },
  });
  const links = JSON.parse(stdout) as { id?: number; error?: string }[];
  // a link that goes while bpftool looks at it ends the list
  if (status !== 0 && links.some(({ error }) => error?.includes('temporarily unavailable'))) return ids;
  assert.equal(status, 0, stdout);
  const existing = new Set(links.map(({ id }) => id));
  return ids.filter((id) => existing.has(id));
}

function read(file: number, size: number, offset: number): Buffer {
  const buffer = Buffer.alloc(size);
  const length = readSync(file, buffer, 0, size, offset);
  return buffer.subarray(0, length);
}

/** How many bytes of a process's executable file mappings differ from the files: one per breakpoint. */
export function changedCodeBytes(pid: number): number {
  let changed = 0;
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) r-xp ([0-9a-f]+) \S+ [1-9]\d* +(\/.*)$/.exec(line);
      if (!match) continue;
      const [from, to, offset] = match.slice(1, 4).map((part) => Number.parseInt(part, 16)) as [number, number, number];
      const file = openSync(match[4]!, 'r');
      const inFile = read(file, to - from, offset);
      closeSync(file);
      const inMemory = read(memory, inFile.length, from);
      for (let i = 0; i < inMemory.length; i++) if (inMemory[i] !== inFile[i]) changed++;
    }
  } finally {
    closeSync(memory);
  }
  return changed;
}
