/** Asks the recorder of a capture, which alone writes to it, to keep a snapshot inside it. */
import { setTimeout } from 'node:timers/promises';
import { type Db, hasTable, openReader } from '../store/db.ts';
import { UserError } from '../util/errors.ts';
import { formatAddress, parseAddress } from '../util/snapshot-address.ts';
import { recorderOf } from './registry.ts';

const POLL_MS = 50;
/** It waits for names, and for others that are due. */
const PATIENCE_MS = 30_000;

interface State {
  takesSnapshots: boolean;
  isRecording: boolean;
  /** Id of the last one; 0: there is none. */
  last: number;
}

/**
 * @returns the address of the snapshot, once it is there; null: nobody can be asked, or it writes its snapshots into files.
 * @throws UserError if the capture can't be read, or the recorder does not answer.
 */
export async function keepInCapture(capture: string): Promise<string | null> {
  if (parseAddress(capture).snapshot !== null) return null;
  const { last, takesSnapshots, isRecording } = stateOf(capture);
  const recorder = isRecording && takesSnapshots ? recorderOf(capture) : null;
  if (recorder === null || !ask(recorder)) return null;
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += POLL_MS) {
    const now = stateOf(capture);
    if (now.last > last) return formatAddress(capture, last + 1);
    if (!now.isRecording) return null;
    await setTimeout(POLL_MS);
  }
  throw new UserError(
    `the recorder of ${capture} (pid ${recorder}) was asked for a snapshot, and has not taken it yet`,
  );
}

/** False: it belongs to somebody else, or has just ended. */
function ask(recorder: number): boolean {
  try {
    process.kill(recorder, 'SIGUSR2');
    return true;
  } catch {
    return false;
  }
}

function stateOf(capture: string): State {
  const db = openReader(capture);
  try {
    return db.transaction(() => ({
      takesSnapshots: factOf(db, 'takes_snapshots') === '1',
      isRecording: factOf(db, 'status') === 'recording',
      last: hasTable(db, 'snapshot')
        ? db.get<{ last: number }>('SELECT coalesce(max(id), 0) AS last FROM snapshot')!.last
        : 0,
    }));
  } finally {
    db.close();
  }
}

function factOf(db: Db, key: string): string | null {
  return db.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', [key])?.value ?? null;
}
