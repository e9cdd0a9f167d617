/**
 * Asks the recorder of a capture, which alone writes to it, to keep a snapshot inside it. It knows all live blocks, also
 * where the capture does not keep the events.
 */
import { setTimeout } from 'node:timers/promises';
import { type Db, hasTable, openReader } from '../../store/db.ts';
import { UserError } from '../../util/errors.ts';
import { formatAddress, parseAddress } from '../../util/snapshot-address.ts';
import { recorderOf } from '../registry.ts';
import { askForTraces } from './asked-traces.ts';

const POLL_MS = 50;
/** It waits for names, and for others that are due. */
const PATIENCE_MS = 30_000;

interface State {
  takesSnapshots: boolean;
  isRecording: boolean;
  /** Id of the last one, with traces if they are asked for; 0: there is none. */
  last: number;
}

/**
 * `traces`: with the single live blocks.
 * @returns the address of the snapshot, once it is there; null: nobody can be asked, or it writes its snapshots into files.
 * @throws UserError if the capture can't be read, or the recorder does not answer.
 */
export async function keepInCapture(capture: string, traces = false): Promise<string | null> {
  if (parseAddress(capture).snapshot !== null) return null;
  const { last, takesSnapshots, isRecording } = stateOf(capture, traces);
  const recorder = isRecording && takesSnapshots ? recorderOf(capture) : null;
  if (recorder === null) return null;
  const takeBack = traces ? askForTraces(capture) : () => {};
  try {
    return ask(recorder) ? await waitFor(capture, recorder, { last, traces }) : null;
  } finally {
    takeBack();
  }
}

/** Null: the recording has ended before. */
async function waitFor(
  capture: string,
  recorder: number,
  { last, traces }: { last: number; traces: boolean },
): Promise<string | null> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += POLL_MS) {
    const now = stateOf(capture, traces);
    if (now.last > last) return formatAddress(capture, traces ? now.last : last + 1);
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

function stateOf(capture: string, traces: boolean): State {
  const db = openReader(capture);
  try {
    return db.transaction(() => ({
      takesSnapshots: factOf(db, 'takes_snapshots') === '1',
      isRecording: factOf(db, 'status') === 'recording',
      last: hasTable(db, 'snapshot')
        ? db.get<{ last: number }>('SELECT coalesce(max(id), 0) AS last FROM snapshot WHERE traces >= ?', [
            traces ? 1 : 0,
          ])!.last
        : 0,
    }));
  } finally {
    db.close();
  }
}

function factOf(db: Db, key: string): string | null {
  return db.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', [key])?.value ?? null;
}
