/** The TCP sockets on which a process listens: /proc/PID/net/tcp has those of its network, /proc/PID/fd its own. */
import { readdirSync, readlinkSync } from 'node:fs';
import { textOf } from './node-process.ts';

export interface ListeningSocket {
  /** Where it can be reached from the same network: 127.0.0.1, ::1, … */
  host: string;
  port: number;
  inode: string;
}

/** TCP_LISTEN of include/net/tcp_states.h. */
const LISTENING = '0A';

/** Of the network that a process is in, also of others there. */
export function socketsOfNetwork(pid: number): ListeningSocket[] {
  return ['tcp', 'tcp6'].flatMap((name) => listeningSockets(textOf(`/proc/${pid}/net/${name}`)));
}

/** From the text of /proc/PID/net/tcp or tcp6. */
export function listeningSockets(text: string): ListeningSocket[] {
  return text.split('\n').flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local ?? '');
    if (!match || state !== LISTENING || inode === undefined) return [];
    return [{ host: reachable(match[1]!), port: Number.parseInt(match[2]!, 16), inode }];
  });
}

/** @throws Error with `code` EACCES if its files can't be looked at. */
export function socketsOf(pid: number): ListeningSocket[] {
  const own = new Set<string>();
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.[1];
      if (inode !== undefined) own.add(inode);
    } catch {
      // closed meanwhile
    }
  }
  return socketsOfNetwork(pid).filter(({ inode }) => own.has(inode));
}

/** The kernel writes words of an address as they are in memory. All addresses, 0.0.0.0, are also the loopback's. */
function reachable(hex: string): string {
  const words = hex.match(/.{8}/g)!.map((word) => word.match(/../g)!.reverse().join(''));
  if (words.every((word) => word === '00000000')) return words.length === 1 ? '127.0.0.1' : '::1';
  if (words.length === 1) return dotted(words[0]!);
  const isMapped = words[0] === '00000000' && words[1] === '00000000' && words[2] === '0000FFFF';
  return isMapped ? dotted(words[3]!) : words.join('').match(/.{4}/g)!.join(':');
}

function dotted(hex: string): string {
  return hex
    .match(/../g)!
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
}

/** Whether both processes reach the same addresses. */
export function isInOwnNetwork(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net');
  } catch {
    return true; // what fails then says why
  }
}
