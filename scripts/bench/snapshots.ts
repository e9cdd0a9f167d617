/**
 * What snapshots cost while a program allocates as fast as it can: pairs of malloc and free beside 100,000 live blocks,
 * traced without snapshots and with one after the other, every block of them written, in turns.
 */
import { build, droppedEvents, startMpWith, Target } from './overhead.ts';
import { median, type Part } from './statistics.ts';

const FRAMES = 16;
const LIVE_BLOCKS = 100_000;
const WARM_UP_PAIRS = 2000;
const OPTIONS = ['--snapshot-delay', '0.1', '--traces'];

interface Round {
  nsPerPair: number;
  dropped: number;
  snapshots: number;
}

async function measureRound(target: Target, pairs: number, options: string[]): Promise<Round> {
  const tracer = await startMpWith(options, target);
  await target.command(`hold ${LIVE_BLOCKS}`);
  await target.command(`pairs ${FRAMES} ${WARM_UP_PAIRS}`);
  const nsPerPair = (await target.command(`pairs ${FRAMES} ${pairs}`)) / pairs;
  const snapshots = tracer.said().split('\nSnapshot: ').length - 1;
  const dropped = await tracer.finish(droppedEvents);
  await target.command('drop');
  return { nsPerPair, dropped, snapshots };
}

/** Throws what the compiler or the tracer says if one fails, and if there was no snapshot to measure. */
export async function measureSnapshots(quick: boolean): Promise<Part> {
  build();
  const target = new Target();
  const [rounds, pairs] = quick ? [3, 300_000] : [7, 500_000];
  const samples = { without: [] as Round[], with: [] as Round[] };
  try {
    for (let round = 0; round < rounds; round++) {
      for (const kind of round % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const))
        samples[kind].push(await measureRound(target, pairs, kind === 'with' ? OPTIONS : []));
    }
  } finally {
    await target.end();
  }
  const pairNs = (kind: 'without' | 'with') => median(samples[kind].map(({ nsPerPair }) => nsPerPair));
  const sum = (of: (round: Round) => number) => samples.with.reduce((total, round) => total + of(round), 0);
  const ratio = median(samples.with.map(({ nsPerPair }, i) => nsPerPair / samples.without[i]!.nsPerPair));
  const [snapshots, dropped] = [sum((round) => round.snapshots), sum((round) => round.dropped)];
  if (snapshots === 0) throw new Error('mp took no snapshot');
  const rows: Part['rows'] = [
    [`pair beside ${LIVE_BLOCKS} live blocks, mp without snapshots`, `${pairNs('without').toFixed(0)} ns`],
    ['  with a snapshot of every block after the other', `${pairNs('with').toFixed(0)} ns`],
    ['with / without', `${ratio.toFixed(2)} x`],
    [`dropped events in ${snapshots} snapshots`, `${dropped}`],
  ];
  return { rows, result: { snapshots: { ...samples, ratio, count: snapshots, dropped } } };
}
