/**
 * Messages while a target runs. Node makes a pipe or terminal non-blocking as soon as process.stdout or process.stderr is
 * touched, also for a target that shares it, whose writes may fail then: so neither is used while there is one.
 */
import { writeSync } from 'node:fs';

export const STDERR = 2;

export function writeStderr(text: string | Uint8Array): void {
  try {
    writeSync(STDERR, text as string);
  } catch {
    // nobody reads it any more
  }
}
