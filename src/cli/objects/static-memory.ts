/** Where the programs and libraries of a process have their variables: mapped from files, and what follows without one. */
import { readFileSync } from 'node:fs';

/** Of a line of /proc/PID/maps: begin, end, permissions, inode. */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+) *(.*)$/;

/** False for every address, if the process can't be read. */
export function staticMemory(pid: number): (address: number) => boolean {
  const ranges = staticRanges(mapsOf(pid));
  return (address) => ranges.some(([begin, end]) => address >= begin && address < end);
}

function mapsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'utf8');
  } catch {
    return '';
  }
}

/** `.bss` is the part of a program's last segment that is not in its file: nameless, right behind. */
export function staticRanges(maps: string): [begin: number, end: number][] {
  const ranges: [number, number][] = [];
  let endOfFile = -1;
  for (const line of maps.split('\n')) {
    const [, from, to, permissions, inode, path] = MAPPING.exec(line) ?? [];
    if (from === undefined) continue;
    const [begin, end] = [Number.parseInt(from, 16), Number.parseInt(to!, 16)];
    const isOfFile = inode !== '0';
    const isBehind = path === '' && begin === endOfFile && permissions!.startsWith('rw');
    if (!isOfFile && !isBehind) continue;
    if (ranges.at(-1)?.[1] === begin) ranges.at(-1)![1] = end;
    else ranges.push([begin, end]);
    endOfFile = isOfFile ? end : -1;
  }
  return ranges;
}
