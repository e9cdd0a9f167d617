/**
 * What Python frames add to an allocation: the time of mp's BPF programs, entry and return together, as the kernel
 * counts it.
 *
 * Two programs are traced at once and allocate in turn, so that the machine's moods hit all alike: python_frames.py with few
 * and with many Python frames, and overhead_target.c with none, at the depth of native frames that Python has there.
 * How many frames there were is read from the captures, not believed.
 */
import type Database from 'better-sqlite3';
import { nsPerAllocation, programIds, type RunTime, readRunTime, withBpfStatistics } from './bpf-statistics.ts';
import { build, LineProcess, type MpTracer, SOURCES, startMp, Target } from './overhead.ts';
import { PYTHON } from './python.ts';
import { median, type Part } from './statistics.ts';

/** Python frames that are on the stack at an allocation. The first and the last are a recursion of 1 and of 21 deep. */
const DEPTHS = [4, 20, 24] as const;
const ADDED = 20;
const WARM_UP_COUNT = 2000;
const ROUND_COUNT = 20_000;
const ALLOCATION_PROGRAMS = 'allocator_';

class PythonTarget {
  private readonly process = new LineProcess(PYTHON, [`${SOURCES}/python_frames.py`]);

  get pid(): number {
    return this.process.child.pid!;
  }

  async allocate(frames: number, count: number): Promise<void> {
    this.process.child.stdin!.write(`${frames} ${count}\n`);
    const answer = await this.process.readLine();
    if (answer !== 'done') throw new Error(`python_frames.py said ${answer}`);
  }

  end(): Promise<void> {
    return this.process.end();
  }
}

interface StackDepth {
  pid: number;
  python: number;
  native: number;
}

/** Frames of the stacks with at least `allocations` mallocs. Inlined functions don't count: nothing is unwound for them. */
function stackDepths(capture: Database.Database, allocations: number): StackDepth[] {
  return capture
    .prepare(
      `SELECT a.pid, sum(f.language = 'python') AS python, sum(f.language = 'native' AND NOT f.inlined) AS native
         FROM allocations a JOIN stack_frame f ON f.stack_id = a.stack_id
        WHERE a.allocator = 'malloc' AND a.allocations >= ? GROUP BY a.pid, a.stack_id ORDER BY python`,
    )
    .all(allocations) as StackDepth[];
}

/** Native frames below malloc in Python's allocation loop. */
async function countNativeFrames(python: PythonTarget): Promise<number> {
  const tracer = await startMp(python);
  await python.allocate(DEPTHS[0], WARM_UP_COUNT);
  const stacks = await tracer.finish((capture) => stackDepths(capture, WARM_UP_COUNT));
  if (stacks.length !== 1) throw new Error(`${stacks.length} stacks in a loop that has one`);
  return stacks[0]!.native;
}

/** Throws unless the stacks that were measured are those that the table says. */
function checkStacks(stacks: StackDepth[], nativePid: number, nativeFrames: number): void {
  const expected = [0, ...DEPTHS].map((frames) => `${frames}+${nativeFrames}`).join(', ');
  const found = stacks.map(({ python, native }) => `${python}+${native}`).join(', ');
  if (found !== expected || stacks[0]?.pid !== nativePid)
    throw new Error(`stacks of ${found} Python and native frames were measured, not of ${expected}`);
}

type Allocate = (count: number) => Promise<unknown>;

/** Nanoseconds per allocation, one value per round, of each of `loops`. */
async function takeSamples(tracer: MpTracer, loops: Allocate[], rounds: number): Promise<number[][]> {
  const ids = programIds(tracer.pid);
  const read = (): RunTime => readRunTime(ids, ALLOCATION_PROGRAMS);
  for (const allocate of loops) await allocate(WARM_UP_COUNT);
  const samples: number[][] = loops.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < loops.length; i++) {
      const at = (i + round) % loops.length;
      const before = read();
      await loops[at]!(ROUND_COUNT);
      samples[at]!.push(nsPerAllocation(before, read(), ROUND_COUNT));
    }
  }
  return samples;
}

/** Needs the package bpftool, and for the time kernel.bpf_stats_enabled, which is restored. Throws if a stack isn't as meant. */
export async function measurePythonFrames(quick: boolean): Promise<Part> {
  build();
  const native = new Target();
  const python = new PythonTarget();
  try {
    return await measure(native, python, quick ? 9 : 25);
  } finally {
    await Promise.all([native.end(), python.end()]);
  }
}

async function measure(native: Target, python: PythonTarget, rounds: number): Promise<Part> {
  const nativeFrames = await countNativeFrames(python);
  const loops: Allocate[] = [
    (count) => native.command(`pairs ${nativeFrames} ${count}`),
    ...DEPTHS.map(
      (frames): Allocate =>
        (count) =>
          python.allocate(frames, count),
    ),
  ];
  const tracer = await startMp(native, python);
  const samples = await withBpfStatistics(() => takeSamples(tracer, loops, rounds));
  const stacks = await tracer.finish((capture) => stackDepths(capture, ROUND_COUNT * rounds));
  checkStacks(stacks, native.pid, nativeFrames);
  return present(nativeFrames, rounds, samples);
}

function present(nativeFrames: number, rounds: number, samples: number[][]): Part {
  const [none, few, some, many] = samples.map(median) as [number, number, number, number];
  const ns = (value: number) => `${value.toFixed(0)} ns`;
  const result = {
    rounds,
    native_frames: nativeFrames,
    python_frames: [0, ...DEPTHS],
    bpf_ns_per_allocation: [none, few, some, many],
    bpf_ns_per_allocation_samples: samples,
    ns_added_by_20_to_4_frames: many - few,
    ns_added_by_20_to_none: some - none,
  };
  return {
    rows: [
      [`BPF per allocation, ${nativeFrames} native frames`, ns(none)],
      [`  and ${DEPTHS[0]} Python frames`, ns(few)],
      [`  and ${DEPTHS[1]} Python frames`, ns(some)],
      [`  and ${DEPTHS[2]} Python frames`, ns(many)],
      [`added by ${ADDED} Python frames to ${DEPTHS[0]}`, ns(many - few)],
      [`added by ${ADDED} Python frames to none`, ns(some - none)],
    ],
    result: { python_frames: result },
  };
}
