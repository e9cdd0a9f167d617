/** Says on a terminal how far a long look at events has come. */
import type { Progress } from '../aggregate/range-accounts.ts';

const PATIENCE_MS = 1500;
const REFRESH_MS = 250;
const CLEAR = '\r\x1b[K';

/** To be called before each chunk of events that is read. The line is gone when the last is done. */
export function eventProgress(stderr = process.stderr): Progress | undefined {
  if (!stderr.isTTY) return undefined;
  let nextMs = performance.now() + PATIENCE_MS;
  let isShown = false;
  return (done, of) => {
    const nowMs = performance.now();
    if (done >= of - 1) {
      if (isShown) stderr.write(CLEAR);
      isShown = false;
      return;
    }
    if (nowMs < nextMs) return;
    nextMs = nowMs + REFRESH_MS;
    isShown = true;
    stderr.write(`${CLEAR}mp: reading events: ${Math.floor((100 * done) / of)}%`);
  };
}
