/** The replay of a capture whose recording has ended. */
import { ReplayReader } from '../../store/live-replay.ts';
import type { ReplaySource } from '../../tui/live-player.ts';
import { Replay } from '../../tui/live-replay.ts';
import { captureStatus } from '../reports/report-options.ts';

/** @throws UserError if the file can't be read, is still being recorded, or does not know what happened when. */
export function openReplay(path: string, speed: number): ReplaySource {
  const reader = new ReplayReader(path, captureStatus);
  const replay = new Replay(reader, speed);
  return { replay, look: () => reader.at(replay.momentNs) };
}
