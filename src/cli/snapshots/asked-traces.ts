/**
 * SIGUSR2 asks a recorder for a snapshot. That its single live blocks are wanted, too, which can be millions, says an empty
 * file beside the capture as long as the snapshot is waited for.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { UserError } from '../../util/errors.ts';

const pathOf = (capture: string) => `${capture}-traces`;

/** For the recorder. */
export function areTracesAsked(capture: string): boolean {
  return existsSync(pathOf(capture));
}

/** @returns what takes it back. @throws UserError if the folder of the capture can't be written to. */
export function askForTraces(capture: string): () => void {
  const path = pathOf(capture);
  try {
    writeFileSync(path, '', { flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return () => {}; // another one asks, too
    throw new UserError(`the recorder can't be asked for blocks: ${message}`);
  }
  return () => rmSync(path, { force: true });
}
