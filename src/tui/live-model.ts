/** What of a recording is looked at, and how; knows neither keys nor screens, nor where the data comes from. */
import type { LiveDelta } from '../model/live.ts';
import { groupBy } from '../util/group-by.ts';
import { type Counts, LiveData, type ProcessState } from './live-data.ts';
import { LeakWatch } from './live-leaks.ts';
import { type FrameRules, LiveLocations, type Location } from './live-locations.ts';
import type { Replay } from './live-replay.ts';
import { type LiveRow, type LiveTable, type SortKey, sortRows, sumUp } from './live-table.ts';
import { LiveTimeline } from './live-timeline.ts';

/** A thread under its latest name. */
export interface ThreadChoice {
  processId: number;
  tid: number;
  name: string;
}

/** Begins a filter for processes, by pid or name. */
const PROCESS_FILTER = 'p:';

export interface ProcessRow {
  process: ProcessState;
  depth: number;
}

/** Whose memory is shown: of all processes that run, of one, or of one and all below it. */
export type ProcessChoice = { id: number; withChildren: boolean } | null;

export class LiveModel {
  readonly data = new LiveData();
  locations: LiveLocations;
  readonly #rules: FrameRules;
  leaks = new LeakWatch();
  /** Number of looks at the recording. */
  samples = 0;
  /** Whether the recording, or the way to it, has ended while it was watched. */
  isDisconnected = false;
  /** Of a recording that has ended and is shown from its beginning; null: it is shown as it is. */
  replay: Replay | null = null;
  /** Whether there can be one, once it has ended. */
  canReplay = false;
  sort: SortKey = 'totalBytes';
  /** Null: not paused; otherwise the counters that the table is about. */
  paused: Counts | null = null;
  mark: { counts: Counts; timeNs: number } | null = null;
  showsDifference = false;
  showsLeaks = false;
  /** Text that the function or file of a row must have, in any case of letters; after `p:` that of a process. */
  filter = '';
  /** Index in `threads`; null: all together. */
  thread: number | null = null;
  process: ProcessChoice = null;
  /** Rows in order, those that the filter leaves. */
  rows: LiveRow[] = [];
  /** Over all rows, each site once. */
  table: LiveTable = { rows: [], bytes: 0, allocations: 0 };
  heapBytes = 0;
  timeline = new LiveTimeline();
  #cursor = 0;
  #top = 0;
  #followed: number | null = null;

  constructor(rules: FrameRules) {
    this.#rules = rules;
    this.locations = new LiveLocations(this.data, rules, false);
  }

  apply(delta: LiveDelta): void {
    const wasRecording = this.samples > 0 && this.data.isRecording;
    if (delta.isRewound) {
      this.leaks = new LeakWatch();
      this.timeline = new LiveTimeline();
    }
    const isNew = this.data.apply(delta);
    this.samples++;
    this.isDisconnected ||= wasRecording && !this.data.isRecording;
    this.leaks.look(this.data);
    if (isNew || this.samples === 1 || this.showsLeaks) this.refresh();
  }

  /** Adds everything up anew: something else is selected, or there is something new. */
  refresh(): void {
    const shown = this.#shownProcesses();
    const all = this.#plotted();
    this.timeline.follow(this.data, (process) => all === null || all.has(process));
    this.heapBytes = this.#heapBytes(shown);
    const isSelected = this.siteFilter(shown);
    const base = this.showsDifference ? this.mark?.counts : null;
    this.table = sumUp(this.data, this.locations, this.paused ?? this.data.live, isSelected, base);
    this.arrange();
  }

  /** Filters and sorts the rows anew. */
  arrange(): void {
    const text = this.filter.startsWith(PROCESS_FILTER) ? '' : this.filter.toLowerCase();
    const matches = ({ location }: LiveRow) => {
      const { function: name, file } = this.locationOf(location);
      return name.toLowerCase().includes(text) || file.toLowerCase().includes(text);
    };
    this.rows = sortRows(text === '' ? [...this.table.rows] : this.table.rows.filter(matches), this.sort);
    if (this.#followed !== null) {
      const at = this.rows.findIndex(({ location }) => location === this.#followed);
      if (at >= 0) this.#cursor = at;
    }
    this.move(0);
  }

  locationOf(location: number): Location {
    return this.locations.all[location]!;
  }

  /** Tells which sites are looked at. */
  siteFilter(processes = this.#shownProcesses()): (site: number) => boolean {
    const { siteProcesses, siteThreads } = this.data;
    const threads = this.#threadIds();
    const leaks = this.showsLeaks ? this.leaks : null;
    return (site) =>
      processes.has(siteProcesses[site]!) &&
      (threads === null || threads.has(siteThreads[site]!)) &&
      (leaks === null || leaks.isCandidate(site));
  }

  // ---- the cursor ----------------------------------------------------------------------------------------------------

  get cursor(): number {
    return this.#cursor;
  }

  get selected(): LiveRow | undefined {
    return this.rows[this.#cursor];
  }

  /** The row stays selected wherever it goes, except the first, where what is biggest is. */
  move(by: number): void {
    this.#cursor = Math.max(0, Math.min(this.rows.length - 1, this.#cursor + by));
    if (by !== 0) this.#followed = this.#cursor === 0 ? null : (this.selected?.location ?? null);
  }

  /** Index of the first row of a window of `height` rows that contains the cursor. */
  scrolled(height: number): number {
    const last = Math.max(0, this.rows.length - height);
    this.#top = Math.max(0, Math.min(this.#top, this.#cursor, last), this.#cursor - height + 1);
    return this.#top;
  }

  // ---- processes and threads -----------------------------------------------------------------------------------------

  /** Parents before their children. */
  get processes(): ProcessRow[] {
    const all = [...this.data.processes.values()];
    const isKnown = (id: number | null): id is number => id !== null && this.data.processes.has(id);
    // A process is recorded after its parent, which rules out cycles in a damaged capture.
    const parentOf = ({ id, parentId }: ProcessState) => (isKnown(parentId) && parentId < id ? parentId : 0);
    const children = groupBy(all, parentOf);
    const rows: ProcessRow[] = [];
    const rest = (children.get(0) ?? []).map((process): ProcessRow => ({ process, depth: 0 })).reverse();
    for (let row = rest.pop(); row !== undefined; row = rest.pop()) {
      rows.push(row);
      const { depth } = row;
      const below = children.get(row.process.id) ?? [];
      rest.push(...below.map((process) => ({ process, depth: depth + Number(process.origin !== 'exec') })).reverse());
    }
    return rows;
  }

  /** The threads of the processes that are shown. */
  get threads(): ThreadChoice[] {
    const shown = this.#shownProcesses();
    const threads = new Map<string, ThreadChoice>();
    for (const { processId, tid, name } of this.data.threads.values()) {
      if (shown.has(processId)) threads.set(`${processId} ${tid}`, { processId, tid, name });
    }
    return [...threads.values()];
  }

  get isMerged(): boolean {
    return this.thread === null;
  }

  toggleMerged(): void {
    this.thread = this.isMerged ? 0 : null;
    this.refresh();
  }

  /** The next thread or the one before, around the ends; nothing while threads are merged. */
  turnThread(by: number): void {
    const { length } = this.threads;
    if (this.thread === null || length === 0) return;
    this.thread = (this.thread + by + length) % length;
    this.refresh();
  }

  selectProcess(choice: ProcessChoice): void {
    this.process = choice;
    if (this.thread !== null) this.thread = 0;
    this.timeline = new LiveTimeline();
    this.refresh();
  }

  // ---- time ----------------------------------------------------------------------------------------------------------

  /** From now on what is applied is what `replay` shows. */
  startReplay(replay: Replay): void {
    this.replay = replay;
    this.samples = 0;
    this.paused = null;
  }

  /** The table stays as it is; everything else goes on. Nothing to pause once there is no news. */
  togglePaused(): void {
    if (this.paused === null && !this.data.isRecording) return;
    this.paused = this.paused === null ? copyOf(this.data.live) : null;
    this.refresh();
  }

  setMark(): void {
    this.mark = { counts: copyOf(this.paused ?? this.data.live), timeNs: this.data.durationNs };
    this.refresh();
  }

  /** Sets the mark if there is none yet. */
  toggleDifference(): void {
    if (this.mark === null) this.setMark();
    this.showsDifference = !this.showsDifference;
    this.refresh();
  }

  toggleNative(): void {
    this.locations = new LiveLocations(this.data, this.#rules, !this.locations.hidesNative);
    this.#followed = null;
    this.#cursor = 0;
    this.refresh();
  }

  toggleLeaks(): void {
    this.showsLeaks = !this.showsLeaks;
    this.refresh();
  }

  setFilter(filter: string): void {
    this.filter = filter;
    this.refresh();
  }

  /** Processes whose memory is looked at. */
  #shownProcesses(): Set<number> {
    const chosen = this.process && this.#chosen(this.process);
    const all = chosen
      ? [...chosen].map((id) => this.data.processes.get(id)).filter((process) => process !== undefined)
      : this.data.runningProcesses;
    const isFiltered = this.filter.startsWith(PROCESS_FILTER);
    const text = isFiltered ? this.filter.slice(PROCESS_FILTER.length).trim().toLowerCase() : '';
    return new Set(all.filter(({ pid, comm }) => `${pid} ${comm.toLowerCase()}`.includes(text)).map(({ id }) => id));
  }

  #chosen({ id, withChildren }: NonNullable<ProcessChoice>): Set<number> {
    const chosen = new Set([id]);
    if (!withChildren) return chosen;
    // Rows come parents first, as ids do.
    for (const process of [...this.data.processes.values()].sort((a, b) => a.id - b.id)) {
      if (process.parentId !== null && chosen.has(process.parentId)) chosen.add(process.id);
    }
    return chosen;
  }

  /** Null: all, also those that have ended. */
  #plotted(): Set<number> | null {
    return this.process === null ? null : this.#chosen(this.process);
  }

  #threadIds(): Set<number> | null {
    if (this.thread === null) return null;
    const chosen = this.threads[this.thread];
    const isChosen = (processId: number, tid: number) => processId === chosen?.processId && tid === chosen.tid;
    const all = [...this.data.threads.values()];
    return new Set(all.filter((thread) => isChosen(thread.processId, thread.tid)).map(({ id }) => id));
  }

  #heapBytes(processes: Set<number>): number {
    const { siteCount, siteProcesses, live } = this.data;
    let sum = 0;
    for (let site = 1; site <= siteCount; site++) if (processes.has(siteProcesses[site]!)) sum += live.bytes[site]!;
    return sum;
  }
}

function copyOf({ allocations, bytes }: Counts): Counts {
  return { allocations: allocations.slice(), bytes: bytes.slice() };
}
