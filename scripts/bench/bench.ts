/**
 * What tracing costs, side by side in one run: `make bench`, or with --quick for fewer rounds. Prints a table and writes
 * build/bench.json. Needs root.
 *
 * The target makes malloc(64)/free pairs at a depth of 16 frames; its CPU time per pair is taken untraced, under empty probes,
 * under mp and under bpftrace, one after the other in every round, so that the machine's moods hit all alike; the
 * medians over the rounds are reported. Absolute times are this machine's; the ratios carry over.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { build, cpuTimeNs, residentBytes, startMp, startTracer, Target, TRACERS, type TracerName } from './overhead.ts';

const FRAMES = 16;
const WARM_UP_PAIRS = 2000;
const ROUND_PAIRS: Record<TracerName, number> = { untraced: 2_000_000, floor: 100_000, mp: 100_000, bpftrace: 20_000 };
const LIVE_BLOCKS = 1_000_000;
const SETTLE_MS = 1000;

const quick = process.argv.includes('--quick');
const rounds = quick ? 3 : 9;
const eventPairs = quick ? 200_000 : 500_000;

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Nanoseconds per pair, by tracer, one value per round. */
async function measurePairs(target: Target): Promise<Record<TracerName, number[]>> {
  const samples: Record<TracerName, number[]> = { untraced: [], floor: [], mp: [], bpftrace: [] };
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
async function measureTracerCpu(target: Target): Promise<{ nsPerEvent: number; idleShare: number }> {
  const tracer = await startMp(target);
  await target.command(`pairs ${FRAMES} ${WARM_UP_PAIRS}`);
  await sleep(SETTLE_MS);
  const idleStart = cpuTimeNs(tracer.pid);
  await sleep(SETTLE_MS);
  const idleNs = cpuTimeNs(tracer.pid) - idleStart;
  const start = cpuTimeNs(tracer.pid);
  const began = process.hrtime.bigint();
  await target.command(`pairs ${FRAMES} ${eventPairs}`);
  await sleep(500);
  const wallMs = Number(process.hrtime.bigint() - began) / 1e6;
  const busyNs = cpuTimeNs(tracer.pid) - start - (idleNs * wallMs) / SETTLE_MS;
  await tracer.stop();
  return { nsPerEvent: busyNs / (2 * eventPairs), idleShare: idleNs / (SETTLE_MS * 1e6) };
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

/** Two threads at full speed; `mp trace` never holds its target back unless it is told to. */
async function measureDrops(target: Target): Promise<{ events: number; dropped: number; eventsPerSecond: number }> {
  const tracer = await startMp(target);
  const spentNs = await target.command(`threads 2 ${eventPairs}`);
  const losses = await tracer.losses();
  const events = 4 * eventPairs;
  return { events, dropped: losses.ring_dropped ?? Number.NaN, eventsPerSecond: (events / spentNs) * 1e9 };
}

function version(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8' }).split('\n')[0]!.trim();
}

function machineFacts(): Record<string, string | number> {
  return {
    kernel: release(),
    processor: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    memory_bytes: totalmem(),
    virtual_machine: /^flags.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'latin1')) ? 'yes' : 'no',
    libc: version('ldd', '--version'),
    bpftrace: version('bpftrace', '--version'),
    node: process.version,
    date: new Date().toISOString(),
  };
}

function print(pairs: Record<TracerName, number>, rest: [string, string][]): void {
  const lines: [string, string][] = [
    [`malloc+free pair at ${FRAMES} frames, untraced`, `${pairs.untraced.toFixed(1)} ns`],
    ['  two empty uprobes (the floor)', `${pairs.floor.toFixed(0)} ns`],
    ['  mp trace --pid', `${pairs.mp.toFixed(0)} ns`],
    ['  bpftrace, a stack per live block', `${pairs.bpftrace.toFixed(0)} ns`],
    ...rest,
  ];
  for (const [what, value] of lines) console.log(`${what.padEnd(56)} ${value.padStart(16)}`);
}

async function main(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('the benchmark needs root');
  build();
  const target = new Target();
  try {
    await measureAll(target);
  } finally {
    await target.end();
  }
}

async function measureAll(target: Target): Promise<void> {
  const samples = await measurePairs(target);
  const pairs = Object.fromEntries(TRACERS.map((name) => [name, median(samples[name])])) as Record<TracerName, number>;
  const cpu = await measureTracerCpu(target);
  const bytesPerLive = await measureMemory(target);
  const drops = await measureDrops(target);

  const mpToFloor = pairs.mp / pairs.floor;
  const bpftraceToMp = (pairs.bpftrace - pairs.untraced) / (pairs.mp - pairs.untraced);
  print(pairs, [
    ['mp / floor', `${mpToFloor.toFixed(2)} x`],
    ['cost of bpftrace / cost of mp', `${bpftraceToMp.toFixed(1)} x`],
    ["mp's own CPU per event", `${cpu.nsPerEvent.toFixed(0)} ns`],
    ["mp's own CPU while nothing happens", `${(cpu.idleShare * 100).toFixed(1)} %`],
    [`mp's memory per live allocation (of ${LIVE_BLOCKS})`, `${bytesPerLive.toFixed(0)} B`],
    [`dropped of ${drops.events} events, two threads`, `${drops.dropped}`],
    ['events per second, two threads', `${(drops.eventsPerSecond / 1e6).toFixed(2)} M`],
  ]);
  const result = {
    machine: machineFacts(),
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
  mkdirSync('build', { recursive: true });
  writeFileSync('build/bench.json', `${JSON.stringify(result, null, 2)}\n`);
}

main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
});
