/**
 * What a snapshot inside the capture takes of the recorder's thread, which does not drain the ring meanwhile: 50,000 sites,
 * copied by SQLite from rows to rows and committed. What a viewer looks at costs the recorder nothing: it reads for itself.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { putSnapshot } from '../../src/store/inner-snapshot.ts';
import { makeCapture } from './made-sites.ts';
import { median, type Part } from './statistics.ts';

const SITES = 50_000;
const SNAPSHOTS = 15;

export async function measureSnapshotStop(): Promise<Part> {
  const folder = mkdtempSync(join(tmpdir(), 'mp-bench-'));
  try {
    const db = makeCapture(join(folder, 'capture.db'), SITES);
    const times: number[] = [];
    for (let n = 1; n <= SNAPSHOTS; n++) {
      db.run('UPDATE site SET live_bytes = live_bytes + 1 WHERE id % 10 = 0');
      const facts = { timeNs: n * 1e9, takenAt: new Date().toISOString(), reason: 'delay', metrics: [], blocks: null };
      const before = process.cpuUsage();
      db.transaction(() => putSnapshot(db, facts));
      const { user, system } = process.cpuUsage(before);
      times.push((user + system) / 1000);
    }
    const pages = db.get<{ bytes: number }>("SELECT sum(pgsize) AS bytes FROM dbstat WHERE name = 'snapshot_site'")!;
    db.close();
    const bytesPerSite = pages.bytes / SNAPSHOTS / SITES;
    const rows: Part['rows'] = [
      [`snapshot of ${SITES} sites inside the capture, CPU time of the recorder`, `${median(times).toFixed(1)} ms`],
      ['  bytes of the capture for each site', `${bytesPerSite.toFixed(1)}`],
    ];
    return { rows, result: { snapshotStop: { sites: SITES, ms: times, bytesPerSite } } };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
