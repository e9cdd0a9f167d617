/**
 * Writes the events of a recording, and what saves reading them: of each chunk what is known of it (`event_index`,
 * `event_process`), and now and then what is live (`event_checkpoint`), from which the chunks behind can be read alone.
 *
 * A checkpoint takes 3 to 6 bytes a block and as much a site, and what follows is predicted by nothing before. So the next
 * one comes after sixteen times as many events: all that adds at most a sixth to the events, and mostly much less.
 */
import type { Accounts } from '../model/accounts.ts';
import type { EventChunk } from '../model/live-state.ts';
import { CheckpointEncoder } from './checkpoint.ts';
import { EventEncoder } from './event-encoder.ts';
import * as queries from './queries.ts';

export interface CheckpointLimits {
  /** After so many events at the earliest, … */
  events?: number;
  /** … and so many for everything that is live, … */
  eventsPerLive?: number;
  /** … unless that is more: the recorder pauses, for about a second a million, and could lose events. */
  maxLive?: number;
}

const DEFAULTS = { events: 500_000, eventsPerLive: 16, maxLive: 1e6 };

type Run = (sql: string, params: readonly unknown[]) => void;

export class EventWriter {
  readonly #run: Run;
  readonly #limits: Required<CheckpointLimits>;
  readonly #encoder = new EventEncoder();
  /** Since the last checkpoint, and chunks so far: as committed, and with what is not. */
  #committed = { events: 0, chunks: 0 };
  #now = { events: 0, chunks: 0 };

  constructor(run: Run, limits: CheckpointLimits = {}) {
    this.#run = run;
    this.#limits = { ...DEFAULTS, ...limits };
  }

  write(accounts: Accounts, isLast: boolean): void {
    this.#now = { ...this.#committed };
    const { events } = accounts;
    if (events === null) return;
    for (const chunk of events.chunks) {
      const { from, to } = chunk;
      this.#run(queries.PUT_EVENTS, [++this.#now.chunks, to - from, this.#encoder.encode(events, from, to)]);
      this.#writeFacts(chunk);
      this.#now.events += to - from;
    }
    if (!isLast && this.#isDue(accounts)) this.#writeCheckpoint(accounts);
  }

  #writeFacts({ lastNs, firstTick, peaks, ends }: EventChunk): void {
    const id = this.#now.chunks;
    this.#run(queries.PUT_EVENT_INDEX, [id, lastNs, firstTick]);
    const processes = new Map(
      peaks.map(([process, bytes]) => [process, { bytes: bytes as number | null, hasEnded: 0 }]),
    );
    for (const process of ends) processes.set(process, { bytes: processes.get(process)?.bytes ?? null, hasEnded: 1 });
    for (const [process, { bytes, hasEnded }] of processes)
      this.#run(queries.PUT_EVENT_PROCESS, [id, process + 1, bytes, hasEnded]);
  }

  #isDue({ stateSize }: Accounts): boolean {
    const { events, eventsPerLive, maxLive } = this.#limits;
    return this.#now.events >= Math.max(events, eventsPerLive * stateSize) && stateSize <= maxLive;
  }

  #writeCheckpoint(accounts: Accounts): void {
    const encoder = new CheckpointEncoder();
    accounts.visitState(encoder);
    const data = encoder.finish();
    this.#now.events = 0;
    if (data === null) return;
    this.#run(queries.PUT_CHECKPOINT, [this.#now.chunks + 1, data]);
    this.#encoder.reset();
  }

  committed(): void {
    this.#committed = this.#now;
  }

  failed(): void {
    this.#encoder.reset();
  }
}
