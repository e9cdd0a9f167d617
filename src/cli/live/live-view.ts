/** Wires the live view: a source of news, the model, and a terminal or a stream of text. */

import { lossLine } from '../../report/losses.ts';
import { shortenName } from '../../report/names.ts';
import { shownFrames } from '../../report/shown-stacks.ts';
import { lineAmong, NO_STACK } from '../../report/stacks.ts';
import type { LiveEnd } from '../../tui/live-app.ts';
import type { FrameRules } from '../../tui/live-locations.ts';
import { LiveModel } from '../../tui/live-model.ts';
import type { ReplaySource } from '../../tui/live-player.ts';
import { liveJson, liveText } from '../../tui/live-text.ts';
import { paintOf } from '../../tui/paint.ts';
import { UserError } from '../../util/errors.ts';
import { printable } from '../../util/format.ts';
import type { Output } from '../../util/output.ts';
import { sourceLines } from '../../util/source-lines.ts';
import type { LiveSource } from './live-file.ts';
import { writeFlameGraph, writeSnapshot } from './live-keep.ts';

/** Frames as all reports show them. */
export const FRAME_RULES: FrameRules = {
  shown: (frames, hidesNative) => shownFrames(frames, { native: !hidesNative }),
  place: (frames) => lineAmong(frames) ?? frames[0]!,
  noStack: NO_STACK,
};

export interface Program {
  /** The last lines of its output. */
  getOutput(): readonly string[];
  onOutput(listener: () => void): void;
  /** Resolves when the view is to be closed. */
  closed: Promise<void>;
}

export interface ReplayOptions {
  /** Whether it begins with a replay. */
  replay: boolean;
  /** Seconds of the recording in one second. */
  speed: number;
}

const NO_REPLAY: ReplayOptions = { replay: false, speed: 1 };

/** Shows the recording on the terminal until the user quits. */
export async function viewLive(
  source: LiveSource,
  name: string,
  output: Output,
  { replay: startsWithReplay, speed }: ReplayOptions = NO_REPLAY,
  program?: Program,
): Promise<LiveEnd> {
  const { openScreen } = await import('../../tui/screen.ts');
  const { runLive } = await import('../../tui/live-app.ts');
  const model = new LiveModel(FRAME_RULES);
  // What can't be read is said before the terminal is taken.
  const first = await source.next();
  let isFirst = true;
  const opened = startsWithReplay ? replayOf(source, speed) : null;
  try {
    return await runLive(openScreen(`mp live ${printable(name)}`), model, {
      next: async () => {
        if (!isFirst) return source.next();
        isFirst = false;
        return first;
      },
      ...{ paint: paintOf(output.color), hasFineBlocks: process.env.TERM !== 'linux', clock },
      ...{ shortenName, sourceLines, lossLine },
      get output() {
        return program?.getOutput() ?? null;
      },
      writeFlameGraph: () => writeFlameGraph(model.data.capture, model.replay?.momentNs ?? null),
      writeSnapshot: () => keepSnapshot(model),
      ...(source.openReplay && { openReplay: () => opened ?? source.openReplay!(speed), startsWithReplay }),
      ...(program && { onOutput: program.onOutput, closed: program.closed }),
    });
  } finally {
    source.close();
  }
}

async function keepSnapshot({ data, replay }: LiveModel): Promise<string> {
  if (replay === null) return writeSnapshot(data.capture);
  throw new UserError(`reports show this moment with --leaks --to ${(replay.momentNs / 1e9).toFixed(2)}`);
}

export interface TextOptions {
  json: boolean;
  /** Number of looks. */
  count: number;
  rows: number;
}

/** Prints a block for each look, until the recording has ended. */
export async function printLive(source: LiveSource, output: Output, { json, count, rows }: TextOptions): Promise<void> {
  const model = new LiveModel(FRAME_RULES);
  const context = { clock, shortenName, lossLine };
  try {
    for (let i = 0; i < count; i++) {
      const delta = await source.next();
      if (delta === null) model.isDisconnected = true;
      else model.apply(delta);
      const time = new Date().toISOString();
      output.out(json ? liveJson(model, rows, time) : liveText(model, output.columns, rows, context));
      if (delta === null || !model.data.isRecording) break;
    }
  } finally {
    source.close();
  }
}

/** Prints a block for every `intervalMs` of the recording, and one of its end. */
export async function printReplay(
  source: LiveSource,
  output: Output,
  { json, count, rows }: TextOptions,
  intervalMs: number,
): Promise<void> {
  const model = new LiveModel(FRAME_RULES);
  const context = { clock, shortenName, lossLine };
  try {
    const { replay, look } = replayOf(source, 1);
    const last = await source.next();
    if (last !== null) model.apply(last);
    model.startReplay(replay);
    for (let i = 0; i < count && !replay.isOver; ) {
      // its moments may be further from each other
      if (!replay.pass(intervalMs)) continue;
      i++;
      model.apply(look());
      const time = (replay.time ?? new Date()).toISOString();
      output.out(json ? liveJson(model, rows, time) : liveText(model, output.columns, rows, context));
    }
  } finally {
    source.close();
  }
}

function replayOf(source: LiveSource, speed: number): ReplaySource {
  if (source.openReplay === undefined)
    throw new UserError('what is past can only be replayed from a capture file: mp live --replay CAPTURE', 2);
  return source.openReplay(speed);
}

function clock(at = new Date()): string {
  return at.toTimeString().slice(0, 8);
}
