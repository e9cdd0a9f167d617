/**
 * The JSON that `gprof2dot -f json` reads, as memray writes it: https://github.com/jrfonseca/gprof2dot/blob/main/schema.json
 *
 *     { "version": 0, "costs": [{ "description": "Memory", "unit": "bytes" }],
 *       "events": [{ "callchain": [1, 0], "cost": [4096] }],              functions by index, innermost first
 *       "functions": [{ "name": "main", "module": "/src/main.c" }, …] }
 *
 * A function is a name in a file, with several processes also of a process. There is one event for each distinct stack.
 */
import { remembered } from '../../util/remembered.ts';
import type { Capture } from '../report.ts';
import type { Selection } from '../selection.ts';
import type { FrameRow } from '../source.ts';
import { type ExportOptions, frameFile, frameName, mapFrames, processLabel, totalsByOwner } from './samples.ts';

interface GraphFunction {
  name: string;
  module: string;
  process?: string;
}

const COSTS = {
  bytes: { description: 'Memory', unit: 'bytes' },
  allocations: { description: 'Allocations', unit: 'allocations' },
};

export function* gprof2dot(capture: Capture, selection: Selection, options: ExportOptions): Iterable<string> {
  const owners = totalsByOwner(capture, selection, { ...options, splitThreads: false });
  const functions: GraphFunction[] = [];
  yield `{"version": 0, "costs": [${JSON.stringify(COSTS[options.count])}], "events": [`;
  let separator = '\n';
  for (const { process, stacks } of owners) {
    const indices = new Map<string, number>();
    const ofProcess = owners.length > 1 ? { process: processLabel(process) } : {};
    const indexOf = remembered((frame: FrameRow | null) => {
      const entry = { name: frameName(frame), module: frameFile(frame) };
      const key = JSON.stringify(entry);
      const index = indices.get(key) ?? functions.push({ ...entry, ...ofProcess }) - 1;
      indices.set(key, index);
      return index;
    });
    for (const total of stacks) {
      const callchain = mapFrames(total.innermost, indexOf).join(', ');
      yield `${separator}{"callchain": [${callchain}], "cost": [${total[options.count]}]}`;
      separator = ',\n';
    }
  }
  yield '\n], "functions": [';
  for (const [i, entry] of functions.entries()) yield `${i > 0 ? ',' : ''}\n${JSON.stringify(entry)}`;
  yield '\n]}\n';
}
