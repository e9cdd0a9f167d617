/** Runs the user's command of `--on-trigger`, with the figures of the snapshot in its environment. */
import { spawn } from 'node:child_process';
import type { SnapshotReport } from '../snapshots/snapshot-protocol.ts';

type Taken = Extract<SnapshotReport, { type: 'snapshot' }>;

export function environmentOf({ path, reason, pid, figures }: Taken): Record<string, string> {
  const values: Record<string, string | number | undefined> = {
    MP_SNAPSHOT: path,
    MP_REASON: reason,
    MP_PID: pid,
    MP_TRACED_BYTES: figures.tracedBytes,
    MP_TRACED_MAX_BYTES: figures.tracedMaxBytes,
    MP_TRACED_BLOCKS: figures.tracedBlocks,
    MP_RSS_BYTES: figures.process?.rssBytes,
    MP_VMS_BYTES: figures.process?.vmsBytes,
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

/** Resolves when the command has ended, with what is to be said of it; null: nothing. Its output goes where errors go. */
export function runOnTrigger(command: string, taken: Taken): Promise<string | null> {
  const child = spawn('/bin/sh', ['-c', command], {
    env: { ...process.env, ...environmentOf(taken) },
    stdio: ['ignore', 2, 2],
  });
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`the command of --on-trigger could not be run: ${error.message}`));
    child.on('close', (code, signal) => {
      resolve(code === 0 ? null : `the command of --on-trigger ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}
