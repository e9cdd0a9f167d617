/** Says on a terminal how far a long look at events has come. */
import type { Progress } from '../../aggregate/range-accounts.ts';

const PATIENCE_MS = 1500;
const REFRESH_MS = 250;
const CLEAR = '\r\x1b[K';

type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;

/** The line is gone when all is done. Undefined: there is no terminal. */
export function eventProgress(stderr: Terminal = process.stderr, now = () => performance.now()): Progress | undefined {
  if (!stderr.isTTY) return undefined;
  let nextMs = now() + PATIENCE_MS;
  let isShown = false;
  return (done, of) => {
    if (done >= of) {
      if (isShown) stderr.write(CLEAR);
      isShown = false;
      return;
    }
    const nowMs = now();
    if (nowMs < nextMs) return;
    nextMs = nowMs + REFRESH_MS;
    isShown = true;
    stderr.write(`${CLEAR}mp: reading events: ${Math.floor((100 * done) / of)}%`);
  };
}
