/**
 * A made capture of a large program for the measurements and tests of pages: 100,000 stacks of C++ with 300,000 nodes,
 * that allocate and free in 100 seconds.
 */
import { openWriter } from '../../src/store/db.ts';
import { randomNumbers } from './random-numbers.ts';

export interface BigCapture {
  stacks: number;
  /** Nodes of the tree. */
  nodes: number;
  bytes: number;
}

const FRAMES = 20_000;
const FILES = 2_000;
const MODULES = 40;
const DEPTH = 60;
const TICKS = 10_000;
const NODES_PER_STACK = 3;

export function makeBigCapture(path: string, stacks = 100_000): BigCapture {
  const db = openWriter(path);
  const random = randomNumbers(12);
  const insert = (table: string, columns: number) => {
    const statement = db.prepare(`INSERT INTO ${table} VALUES (${new Array(columns).fill('?').join(', ')})`);
    return (...values: (string | number | null)[]) => statement.run(values);
  };
  try {
    return db.transaction(() => {
      const meta = insert('meta', 2);
      const facts = { mode: 'run', status: 'complete', command_line: './server --threads 8', interval_ns: '10000000' };
      const times = { started_at: '2026-01-02T03:04:05.000Z', ended_at: '2026-01-02T03:05:45.000Z' };
      for (const [key, value] of Object.entries({ ...facts, ...times, interval_end_ns: `${TICKS * 1e7}` }))
        meta(key, value);
      db.exec(
        "INSERT INTO process (id, pid, origin, started_ns, comm, command_line) VALUES (1, 100, 'launch', 0, 'server', './server --threads 8')",
      );
      for (let thread = 1; thread <= 8; thread++) insert('thread', 4)(thread, 1, 99 + thread, `worker-${thread}`);
      addFrames(insert, random);
      const nodes = addStacks(insert, random, stacks);
      const bytes = addSites(insert, random, stacks);
      const memory = insert('memory', 5);
      for (let tick = 0; tick < TICKS; tick++)
        memory(1, tick * 1e7, tick * 1000 + random(2e6), tick, tick * 1500 + 4e6);
      return { stacks, nodes, bytes };
    });
  } finally {
    db.close();
  }
}

type Insert = (table: string, columns: number) => (...values: (string | number | null)[]) => void;
type Random = (limit: number) => number;

function addFrames(insert: Insert, random: Random): void {
  const [module, frame] = [insert('module', 3), insert('frame', 7)];
  for (let id = 1; id <= MODULES; id++) module(id, `/usr/lib/server/libpart${id}.so.${id % 4}`, null);
  const words = ['Session', 'Request', 'Cache', 'Index', 'Parser', 'Buffer', 'Router', 'Table', 'Stream', 'Worker'];
  const word = () => words[random(words.length)]!;
  for (let id = 1; id <= FRAMES; id++) {
    const type = `app::${word().toLowerCase()}::${word()}${random(900)}`;
    const name =
      id % 3 === 0
        ? `std::vector<${type}, std::allocator<${type}>>::_M_realloc_insert<${type} const&>(${type} const&)`
        : `${type}::${word().toLowerCase()}${id}(${type} const&, unsigned long)`;
    const file = random(FILES);
    const place = `/srv/build/server/src/${words[file % 10]!.toLowerCase()}/${word().toLowerCase()}${file}.cc`;
    frame(id, name, place, 1 + random(2000), 'native', 1 + random(MODULES), 0);
  }
}

/** Each stack leaves a chain of new nodes on one that is there; its last node is that of the stack. */
function addStacks(insert: Insert, random: Random, stacks: number): number {
  const stack = insert('stack', 4);
  const depths = [0, 1];
  stack(1, null, 1, 1);
  for (let n = 0; n < stacks; n++) {
    let parent = 1 + random(depths.length - 1);
    for (let i = 0; i < NODES_PER_STACK; i++) {
      while (depths[parent]! >= DEPTH) parent = 1 + random(depths.length - 1);
      const depth = depths[parent]! + 1;
      const id = depths.push(depth) - 1;
      stack(id, parent, 1 + random(FRAMES), depth);
      parent = id;
    }
  }
  return depths.length;
}

/** What a site allocates in an interval is partly freed in it, in part later. Two of three allocate blocks of one size. */
function addSites(insert: Insert, random: Random, stacks: number): number {
  const [site, part] = [insert('site', 15), insert('site_part', 3)];
  const [allocated, freed] = [insert('interval_allocated', 8), insert('interval_freed', 5)];
  let sum = 0;
  for (let id = 1; id <= stacks; id++) {
    let [count, bytes, live, liveBytes] = [0, 0, 0, 0];
    const usual = 8 * (1 + 2 ** random(10));
    const ticks = new Set(Array.from({ length: 1 + random(6) }, () => random(TICKS)));
    for (const tick of ticks) {
      const [n, size, brief] = [2 + random(50), id % 3 === 0 ? 8 * (1 + random(500)) : usual, random(2)];
      allocated(tick, id, n, n * size, brief, brief * size, n - brief, (n - brief) * size);
      const later = tick + 1 + random(TICKS);
      const gone = later < TICKS ? n - brief : 0;
      if (gone > 0) freed(later, id, tick, gone, gone * size);
      count += n;
      bytes += n * size;
      live += n - brief - gone;
      liveBytes += (n - brief - gone) * size;
    }
    const stack = 1 + NODES_PER_STACK * id;
    const [peak, peakBytes] = [Math.ceil(count / 2), Math.ceil(bytes / 2)];
    site(
      id,
      1,
      1 + (id % 8),
      'malloc',
      stack,
      count,
      bytes,
      count - live,
      bytes - liveBytes,
      peak,
      peakBytes,
      live,
      liveBytes,
      0,
      0,
    );
    part(id, 1, id);
    sum += bytes;
  }
  const peak = insert('interval_peak', 4);
  for (let tick = 0; tick < TICKS; tick += 2) peak(tick, 1, tick * 1000 + random(2e6), tick * 1e7);
  return sum;
}
