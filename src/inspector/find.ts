/** The inspector of a Node, if it listens: GET /json/list gives the id under which it takes a WebSocket. */
import { get } from 'node:http';
import { nodeOptions } from './node-process.ts';
import { type ListeningSocket, socketsOf } from './sockets.ts';

const DEFAULT_PORT = 9229;
/** Workers of a cluster count up from the port of their parent. */
const PORTS = 100;
const ANSWER_MS = 10_000;
const MOST_BYTES = 1 << 16;
const ANY_PORT = 0;

const OPTION = /^--(?:inspect(?:-brk|-wait)?(?:-node)?|inspect-port|debug-port)(?:=(.*))?$/;

/** The port that a Node was told to have its inspector at; 0: any. */
export function inspectorPort(options: string[]): number {
  let port = DEFAULT_PORT;
  options.forEach((option, i) => {
    const match = OPTION.exec(option);
    const value = match?.[1] ?? (/-port$/.test(option) ? options[i + 1] : undefined);
    // PORT, HOST or HOST:PORT
    const written = /(?:^|:)(\d{1,5})$/.exec(match && value !== undefined ? value : '')?.[1];
    if (written !== undefined) port = Number(written);
  });
  return port;
}

/** Its address as a URL; null if none of the sockets on which a process listens is that of an inspector. */
export async function findInspector(pid: number): Promise<string | null> {
  const port = inspectorPort(nodeOptions(pid));
  const isNear = (socket: ListeningSocket) => socket.port >= port && socket.port < port + PORTS;
  // others than those where an inspector is expected belong to the program: they are not disturbed
  const candidates = socketsOf(pid).filter((socket) => port === ANY_PORT || isNear(socket));
  for (const socket of candidates) {
    const id = await inspectorId(socket);
    if (id !== null) return `ws://${hostOf(socket)}:${socket.port}/${id}`;
  }
  return null;
}

function hostOf({ host }: ListeningSocket): string {
  return host.includes(':') ? `[${host}]` : host;
}

async function inspectorId(socket: ListeningSocket): Promise<string | null> {
  try {
    const list: unknown = JSON.parse(await textFrom(`http://${hostOf(socket)}:${socket.port}/json/list`));
    const { id, type } = (Array.isArray(list) ? (list[0] ?? {}) : {}) as Record<string, unknown>;
    return type === 'node' && typeof id === 'string' && /^[0-9a-f-]{36}$/.test(id) ? id : null;
  } catch {
    return null; // something else listens there
  }
}

function textFrom(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: ANSWER_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.length > MOST_BYTES) request.destroy(new Error('too long'));
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}
