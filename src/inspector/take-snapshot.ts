/** Lets a Node write a heap snapshot into a file of ours, through its inspector. */
import { UserError } from '../util/errors.ts';
import { formatBytes } from '../util/format.ts';
import { Connection } from './connection.ts';
import { closeInspector, type Inspector, openInspector } from './open.ts';
import { SnapshotFile } from './snapshot-file.ts';

export interface SnapshotOptions {
  /** Open the inspector by SIGUSR1 if it is not. */
  maySignal: boolean;
  /** Bytes that the process can still get. */
  memoryLeft: number;
  /** Gives up. */
  signal: AbortSignal;
}

export interface TakenSnapshot {
  file: SnapshotFile;
  /** Milliseconds for which JavaScript stood still at most: V8 cannot be interrupted. */
  pauseMs: number;
  isOpenedByUs: boolean;
  /** Threads with a heap of their own, which is not in the snapshot. */
  workers: number;
}

/** /tmp is often in memory; this is on disk (hier(7)). */
const FOLDER = '/var/tmp';
/** V8 says nothing while it looks for references: minutes in a Node 18 with millions of objects. */
const SILENCE_MS = 600_000;
/** Bytes of a snapshot per byte of V8's heap, as measured with many small objects, where it is the most. */
const FILE_SHARE = 3;
/** The same of the memory that V8 needs for it. */
const MEMORY_SHARE = 15;

/** @throws UserError. The inspector is as it was before. The file is the caller's, who closes it. */
export async function takeSnapshot(pid: number, options: SnapshotOptions): Promise<TakenSnapshot> {
  const inspector = await openInspector(pid, options.maySignal);
  try {
    return { ...(await receive(pid, inspector, options)), isOpenedByUs: inspector.isOpenedByUs };
  } finally {
    if (inspector.isOpenedByUs) await closeInspector(pid, inspector);
  }
}

async function receive(pid: number, { url }: Inspector, { signal, memoryLeft }: SnapshotOptions) {
  const connection = await Connection.open(url, SILENCE_MS);
  const giveUp = () => connection.abandon(new UserError('interrupted'));
  signal.addEventListener('abort', giveUp);
  let file: SnapshotFile | null = null;
  try {
    if (signal.aborted) throw new UserError('interrupted');
    const workers = await countWorkers(connection);
    const used = Number((await connection.send('Runtime.getHeapUsage')).usedSize);
    mustHaveMemory(pid, memoryLeft, used);
    file = new SnapshotFile(process.env.TMPDIR || FOLDER, used * FILE_SHARE);
    connection.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => file!.append(String(chunk)));
    const begin = performance.now();
    await connection.send('HeapProfiler.takeHeapSnapshot', { reportProgress: true });
    return { file, pauseMs: performance.now() - begin, workers };
  } catch (error) {
    file?.close();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
    await connection.close();
  }
}

/** Node tells of each that runs before it answers. */
async function countWorkers(connection: Connection): Promise<number> {
  let count = 0;
  connection.on('NodeWorker.attachedToWorker', () => count++);
  await connection.send('NodeWorker.enable', { waitForDebuggerOnStart: false });
  await connection.send('NodeWorker.disable');
  return count;
}

/** V8 keeps the whole snapshot in the memory of the process while it writes it. */
function mustHaveMemory(pid: number, left: number, used: number): void {
  const needed = used * MEMORY_SHARE;
  if (left < needed)
    throw new UserError(
      `a heap snapshot of process ${pid} can need ${formatBytes(needed)} of memory in it, and ${formatBytes(left)} are ` +
        'left: it could be killed for it; --memory-ok takes it nevertheless',
    );
}
