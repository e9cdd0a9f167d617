/** Frees large arrays that nobody refers to any more: what the addon holds beside them is no reason for V8 to do so. */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of arrays that are not worth it. */
const FEW = 32 << 20;

let collect: (() => void) | undefined;

export async function collectGarbage(): Promise<void> {
  if (process.memoryUsage().arrayBuffers < FEW) return;
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
  }
  collect();
  // the addon lets go of its part when the event loop turns
  await setImmediate();
}
