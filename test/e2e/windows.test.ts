/** --from and --to on a program with phases: phases.c states what each of them did. */
import assert from 'node:assert/strict';
import { before, describe, type TestContext, test } from 'node:test';
import { openReader } from '../../src/store/db.ts';
import { buildPrograms, cannotRecord, mp, openCapture, record } from './helpers.ts';

type Numbers = Record<string, [allocations: number, bytes: number]>;

const MARKERS = ['marker_one', 'marker_two', 'marker_three'];
const SWOLLEN = (count: number): Numbers => ({ swell: [count, count * 100_000] });
const [ONE, TWO, THREE] = MARKERS.map((name): Numbers => ({ [name]: [1, 1] })) as [Numbers, Numbers, Numbers];

const PHASES: Record<string, Numbers>[] = [
  {
    high_watermark: { ...ONE, load: [1, 1000], ...SWOLLEN(3) },
    leaks: { ...ONE, load: [1, 1000] },
    all: { ...ONE, load: [1, 1000], ...SWOLLEN(3) },
  },
  {
    high_watermark: { ...ONE, ...TWO, load: [1, 1000], ...SWOLLEN(2) },
    leaks: { ...TWO, hold: [1, 500] },
    all: { ...TWO, hold: [1, 500], ...SWOLLEN(2) },
  },
  {
    high_watermark: { ...ONE, ...TWO, ...THREE, load: [41, 1800] },
    leaks: { ...THREE, load: [40, 800] },
    all: { ...THREE, load: [40, 800] },
  },
];

/** When the intervals of the markers begin, in seconds. */
function beginnings(path: string): number[] {
  const db = openReader(path);
  try {
    const rows = db.all<{ from_ns: number }>(`
      SELECT i.from_ns FROM site_interval i JOIN site_place s ON s.id = i.site_id
      WHERE s.function LIKE 'marker_%' ORDER BY i.from_ns`);
    return rows.map(({ from_ns }) => from_ns / 1e9);
  } finally {
    db.close();
  }
}

async function rowsOf(t: TestContext, path: string, view: string, range: string[]): Promise<Numbers> {
  const options = view === 'high_watermark' ? [] : [`--${view}`];
  const { code, stdout, stderr } = await mp(t, ['table', '--json', ...options, ...range, path]);
  assert.equal(code, 0, stderr);
  const { rows } = JSON.parse(stdout) as {
    rows: { function: string; file: string; allocations: number; bytes: number }[];
  };
  const own = rows.filter(({ file }) => file?.endsWith('phases.c'));
  return Object.fromEntries(own.map((row) => [row.function, [row.allocations, row.bytes]]));
}

/** Milliseconds since the process began, of each snapshot. */
async function massifTimes(t: TestContext, path: string, range: string[]): Promise<number[]> {
  const { code, stdout, stderr } = await mp(t, ['transform', 'massif', '-o', '-', ...range, path]);
  assert.equal(code, 0, stderr);
  return [...stdout.matchAll(/^time=(\d+)$/gm)].map(([, time]) => Number(time));
}

describe('ranges of time', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  for (const mode of ['run', 'trace'] as const) {
    test(`each phase has its own numbers, ${mode}`, async (t) => {
      const { path } = await record(t, mode, 'phases');
      const begins = beginnings(path);
      assert.equal(begins.length, MARKERS.length);
      for (const [n, views] of PHASES.entries()) {
        const end = begins[n + 1];
        const range = ['--from', `${begins[n]}`, ...(end === undefined ? [] : ['--to', `${end}`])];
        for (const [view, expected] of Object.entries(views)) {
          assert.deepEqual(await rowsOf(t, path, view, range), expected, `phase ${n + 1}, ${view}`);
        }
      }
      const [from, to] = [begins[1]!, begins[2]!];
      const startedNs = openCapture(t, path).processes()[0]!.started_ns;
      const sinceStart = (seconds: number) => Math.max(0, Math.round(seconds * 1000 - startedNs / 1e6));
      const times = await massifTimes(t, path, ['--from', `${from}`, '--to', `${to}`]);
      assert.ok(times[0]! >= sinceStart(from), `${times}`);
      assert.equal(times.at(-1), sinceStart(to));
    });
  }
});
