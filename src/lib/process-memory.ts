/** Memory of running processes, as the kernel counts it. */
import { readFileSync } from 'node:fs';
import type { ProcessMemory } from '../top/figures.ts';

/** Of x86-64. */
const PAGE_BYTES = 4096;

/** Sum over those that are running; null: none is. */
export function processMemory(pids: readonly number[]): ProcessMemory | null {
  const known = pids.map(memoryOf).filter((memory) => memory !== null);
  if (known.length === 0) return null;
  const sum = (of: (memory: ProcessMemory) => number) => known.reduce((total, memory) => total + of(memory), 0);
  return { rssBytes: sum(({ rssBytes }) => rssBytes), vmsBytes: sum(({ vmsBytes }) => vmsBytes) };
}

/** From /proc/PID/statm: size resident …, in pages (proc(5)). */
function memoryOf(pid: number): ProcessMemory | null {
  try {
    const [size, resident] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').map(Number);
    return { rssBytes: resident! * PAGE_BYTES, vmsBytes: size! * PAGE_BYTES };
  } catch {
    return null; // it has ended
  }
}
