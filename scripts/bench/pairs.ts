/**
 * What tracing costs a program that does nothing but allocate, and the tracer itself.
 *
 * The target makes malloc(64)/free pairs at a depth of 16 frames; its CPU time per pair is taken untraced, under empty
 * probes, under mp and under bpftrace, one after the other in every round, so that the machine's moods hit all alike;
 * the medians over the rounds are reported.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  build,
  cpuTimeNs,
  droppedEvents,
  residentBytes,
  startMp,
  startTracer,
  Target,
  TRACERS,
  type TracerName,
} from './overhead.ts';
import { median, type Part, type Row } from './statistics.ts';

const FRAMES = 16;
const WARM_UP_PAIRS = 2000;
const ROUND_PAIRS: Record<TracerName, number> = {
  untraced: 2_000_000,
  other: 2_000_000,
  floor: 100_000,
  mp: 100_000,
  bpftrace: 20_000,
};
const LIVE_BLOCKS = 1_000_000;
const SETTLE_MS = 1000;

/** Nanoseconds per pair, by tracer, one value per round. */
async function measurePairs(target: Target, rounds: number): Promise<Record<TracerName, number[]>> {
  const samples: Record<TracerName, number[]> = { untraced: [], other: [], floor: [], mp: [], bpftrace: [] };
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < TRACERS.length; i++) {
      const name = TRACERS[(i + round) % TRACERS.length]!;
      const tracer = await startTracer(name, target);
      await target.command(`pairs ${FRAMES} ${WARM_UP_PAIRS}`);
      const count = ROUND_PAIRS[name];
      samples[name].push((await target.command(`pairs ${FRAMES} ${count}`)) / count);
      await tracer.stop();
    }
    process.stderr.write(`round ${round + 1} of ${rounds}\r`);
  }
  process.stderr.write('\n');
  return samples;
}

/** CPU time of the tracer per event, what it costs while idle taken off. */
async function measureTracerCpu(target: Target, pairs: number): Promise<{ nsPerEvent: number; idleShare: number }> {
  const tracer = await startMp(target);
  await target.command(`pairs ${FRAMES} ${WARM_UP_PAIRS}`);
  await sleep(SETTLE_MS);
  const idleStart = cpuTimeNs(tracer.pid);
  await sleep(SETTLE_MS);
  const idleNs = cpuTimeNs(tracer.pid) - idleStart;
  const start = cpuTimeNs(tracer.pid);
  const began = process.hrtime.bigint();
  await target.command(`pairs ${FRAMES} ${pairs}`);
  await sleep(500);
  const wallMs = Number(process.hrtime.bigint() - began) / 1e6;
  const busyNs = cpuTimeNs(tracer.pid) - start - (idleNs * wallMs) / SETTLE_MS;
  await tracer.stop();
  return { nsPerEvent: busyNs / (2 * pairs), idleShare: idleNs / (SETTLE_MS * 1e6) };
}

/** Growth of the tracer's resident set per live allocation. */
async function measureMemory(target: Target): Promise<number> {
  const tracer = await startMp(target);
  await target.command(`pairs ${FRAMES} ${LIVE_BLOCKS / 10}`);
  await sleep(SETTLE_MS);
  const before = residentBytes(tracer.pid);
  await target.command(`hold ${LIVE_BLOCKS}`);
  await sleep(SETTLE_MS);
  const grown = residentBytes(tracer.pid) - before;
  await tracer.stop();
  await target.command('drop');
  return grown / LIVE_BLOCKS;
}

interface Drops {
  events: number;
  dropped: number;
  eventsPerSecond: number;
}

/** Two threads at full speed; `mp trace` never holds its target back unless it is told to. */
async function measureDrops(target: Target, pairs: number): Promise<Drops> {
  const tracer = await startMp(target);
  const spentNs = await target.command(`threads 2 ${pairs}`);
  const dropped = await tracer.finish(droppedEvents);
  const events = 4 * pairs;
  return { events, dropped, eventsPerSecond: (events / spentNs) * 1e9 };
}

/** Builds the target and measures. Throws what the compiler or a tracer says if one fails. */
export async function measurePairsPart(quick: boolean): Promise<Part> {
  build();
  const target = new Target();
  try {
    return await measureAll(target, quick ? 3 : 9, quick ? 200_000 : 500_000);
  } finally {
    await target.end();
  }
}

async function measureAll(target: Target, rounds: number, eventPairs: number): Promise<Part> {
  const samples = await measurePairs(target, rounds);
  const pairs = Object.fromEntries(TRACERS.map((name) => [name, median(samples[name])])) as Record<TracerName, number>;
  const cpu = await measureTracerCpu(target, eventPairs);
  const bytesPerLive = await measureMemory(target);
  const drops = await measureDrops(target, eventPairs);

  const mpToFloor = pairs.mp / pairs.floor;
  const bpftraceToMp = (pairs.bpftrace - pairs.untraced) / (pairs.mp - pairs.untraced);
  const rows: Row[] = [
    [`malloc+free pair at ${FRAMES} frames, untraced`, `${pairs.untraced.toFixed(1)} ns`],
    ['  mp traces processes of another name', `${pairs.other.toFixed(1)} ns`],
    ['  two empty uprobes (the floor)', `${pairs.floor.toFixed(0)} ns`],
    ['  mp trace --pid', `${pairs.mp.toFixed(0)} ns`],
    ['  bpftrace, a stack per live block', `${pairs.bpftrace.toFixed(0)} ns`],
    ['mp / floor', `${mpToFloor.toFixed(2)} x`],
    ['cost of bpftrace / cost of mp', `${bpftraceToMp.toFixed(1)} x`],
    ["mp's own CPU per event", `${cpu.nsPerEvent.toFixed(0)} ns`],
    ["mp's own CPU while nothing happens", `${(cpu.idleShare * 100).toFixed(1)} %`],
    [`mp's memory per live allocation (of ${LIVE_BLOCKS})`, `${bytesPerLive.toFixed(0)} B`],
    [`dropped of ${drops.events} events, two threads`, `${drops.dropped}`],
    ['events per second, two threads', `${(drops.eventsPerSecond / 1e6).toFixed(2)} M`],
  ];
  const result = {
    rounds,
    frames: FRAMES,
    ns_per_pair: pairs,
    ns_per_pair_samples: samples,
    mp_to_floor: mpToFloor,
    bpftrace_cost_to_mp_cost: bpftraceToMp,
    tracer_cpu_ns_per_event: cpu.nsPerEvent,
    tracer_cpu_idle_share: cpu.idleShare,
    tracer_bytes_per_live_allocation: bytesPerLive,
    two_threads: drops,
  };
  return { rows, result };
}
