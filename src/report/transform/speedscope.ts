/**
 * The format of https://www.speedscope.app: "sampled" profiles, in which every stack is a sample with a weight. Each process
 * has two, of bytes and of allocations; with `splitThreads` each thread. Frames are shared; their schema:
 * https://www.speedscope.app/file-format-schema.json
 */
import { basename } from 'node:path';
import { VERSION } from '../../model/version.ts';
import { remembered } from '../../util/remembered.ts';
import type { Capture } from '../report.ts';
import { type Selection, selectionTitle } from '../selection.ts';
import type { FrameRow } from '../source.ts';
import {
  type ExportOptions,
  frameFile,
  frameName,
  mapFrames,
  type Owner,
  processLabel,
  threadLabel,
  totalsByOwner,
} from './samples.ts';

const SCHEMA = 'https://www.speedscope.app/file-format-schema.json';

const PROFILES = [
  { count: 'bytes', unit: 'bytes', what: 'bytes' },
  { count: 'allocations', unit: 'none', what: 'allocations' },
] as const;

/** Frames by what is shown of them: a function, a file and a line. */
class FrameTable {
  readonly frames: string[] = [];
  readonly #indices = new Map<string, number>();

  readonly index = remembered((frame: FrameRow | null): number => {
    const file = frameFile(frame);
    const text = JSON.stringify({
      name: frameName(frame),
      ...(file === '' ? {} : { file }),
      ...(frame?.line ? { line: frame.line } : {}),
    });
    let index = this.#indices.get(text);
    if (index === undefined) {
      index = this.frames.push(text) - 1;
      this.#indices.set(text, index);
    }
    return index;
  });
}

export function* speedscope(capture: Capture, selection: Selection, options: ExportOptions): Iterable<string> {
  const { facts } = capture;
  const table = new FrameTable();
  const name = `${facts.command_line || basename(facts.capture)}: ${selectionTitle(selection, facts)}`;
  yield `{"$schema": "${SCHEMA}", "exporter": "mp@${VERSION}", "name": ${JSON.stringify(name)}, "activeProfileIndex": 0,\n`;
  yield '"profiles": [';
  let separator = '\n';
  for (const owner of totalsByOwner(capture, selection, options)) {
    for (const profile of PROFILES) {
      yield separator;
      yield* profileText(owner, profile, table);
      separator = ',\n';
    }
  }
  yield '\n], "shared": {"frames": [';
  for (const [i, frame] of table.frames.entries()) yield `${i > 0 ? ',' : ''}\n${frame}`;
  yield '\n]}}\n';
}

function* profileText(owner: Owner, { count, unit, what }: (typeof PROFILES)[number], table: FrameTable) {
  const stacks = owner.stacks.filter((total) => total[count] > 0);
  const end = stacks.reduce((sum, total) => sum + total[count], 0);
  const label = [processLabel(owner.process), ...(owner.thread === null ? [] : [threadLabel(owner.thread)]), what];
  yield `{"type": "sampled", "name": ${JSON.stringify(label.join(', '))}, "unit": "${unit}", `;
  yield `"startValue": 0, "endValue": ${end},\n"samples": [`;
  for (const [i, { innermost }] of stacks.entries()) {
    const indices = mapFrames(innermost, table.index);
    yield `${i > 0 ? ',' : ''}\n[${indices.reverse().join(', ')}]`;
  }
  yield `],\n"weights": [${stacks.map((total) => total[count]).join(', ')}]}`;
}
