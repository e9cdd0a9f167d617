/** The viewer's end of a connection to `--live-remote`. */
import { connect } from 'node:net';
import type { LiveDelta } from '../../model/live.ts';
import { UserError } from '../../util/errors.ts';
import type { LiveSource } from './live-file.ts';
import { END_LINE, greeting, HOST } from './live-protocol.ts';

/** A look at a capture of a million sites is no longer. */
const MAX_LINE = 2 ** 28;

/** @throws UserError, from `next`, if nobody listens there, or not to this token. */
export function connectTo(port: number, token: string): LiveSource {
  const lines: (string | null)[] = [];
  let wake: () => void = () => undefined;
  let failure: Error | null = null;
  let hasBegun = false;
  let begin = '';
  const socket = connect(port, HOST, () => socket.write(greeting(token)));
  const push = (line: string | null) => {
    lines.push(line);
    wake();
  };
  socket.setEncoding('utf8').on('data', (text: string) => {
    hasBegun = true;
    begin += text;
    if (begin.length > MAX_LINE) socket.destroy();
    if (!text.includes('\n')) return;
    const parts = begin.split('\n');
    begin = parts.pop()!;
    for (const line of parts) push(line === END_LINE ? null : line);
  });
  socket.on('error', (error) => {
    failure ??= error;
  });
  socket.on('close', () => {
    if (!hasBegun) failure = connectionError(failure, port);
    push(null);
  });
  return {
    next: async () => {
      if (lines.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const line = lines.shift();
      if (line !== null && line !== undefined) return JSON.parse(line) as LiveDelta;
      if (!hasBegun && failure !== null) throw failure;
      return null;
    },
    close: () => socket.destroy(),
  };
}

function connectionError(error: Error | null, port: number): UserError {
  if (error === null || (error as NodeJS.ErrnoException).code === 'ECONNRESET')
    return new UserError(`port ${port} of ${HOST} has hung up: is the token right?`);
  const isRefused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  return new UserError(isRefused ? `nothing listens on port ${port} of ${HOST}` : error.message);
}
