/**
 * The accounts of all processes. One that has ended is let go of when its last changes are committed, however many processes
 * a recording sees: only what the sums of its sites need stays.
 */

import type { BlockColumns } from '../model/blocks.ts';
import type { ProcessEnd, ProcessInfo, ProcessWarning } from '../model/types.ts';
import { HighWatermark } from './high-watermark.ts';
import { IntervalPeak } from './intervals.ts';
import { liveColumns } from './live-columns.ts';
import { ProcessAccount } from './process-account.ts';
import type { Sites } from './sites.ts';

export class Processes {
  /** Of the first process, null before there is one. */
  firstPid: number | null = null;
  readonly #sites: Sites;
  readonly #accounts: (ProcessAccount | undefined)[] = [];
  readonly #heaps: HighWatermark[] = [];
  /** An interval has one, even if a process is heard of after its end. */
  readonly #intervalPeaks: IntervalPeak[] = [];
  #listed: ProcessAccount[] = [];

  constructor(sites: Sites) {
    this.#sites = sites;
  }

  of(process: number): ProcessAccount {
    const known = this.#accounts[process];
    if (known !== undefined) return known;
    while (this.#heaps.length <= process) {
      this.#heaps.push(new HighWatermark());
      this.#intervalPeaks.push(new IntervalPeak());
    }
    const account = new ProcessAccount(process, this.#sites, this.#heaps[process]!, this.#intervalPeaks[process]!);
    this.#accounts[process] = account;
    return account;
  }

  /** Undefined before its first sign of life, and when it is let go of. */
  find(process: number): ProcessAccount | undefined {
    return this.#accounts[process];
  }

  heapOf(process: number): HighWatermark {
    return this.#heaps[process]!;
  }

  /** For the next commit. */
  list(account: ProcessAccount): void {
    if (account.isListed) return;
    account.isListed = true;
    this.#listed.push(account);
  }

  add(info: ProcessInfo): void {
    const account = this.of(info.index);
    this.firstPid ??= info.pid;
    account.known = info;
    account.info = info;
    this.list(account);
  }

  warn({ index, text }: ProcessWarning): void {
    const { known } = this.of(index);
    if (known) this.add({ ...known, warning: [known.warning, text].filter(Boolean).join('; ') });
  }

  end(end: ProcessEnd): void {
    const account = this.of(end.index);
    account.end = end;
    this.list(account);
  }

  /** What has changed since the last commit. */
  *changes(): Generator<ProcessAccount> {
    for (const account of this.#listed) {
      if (account.known === null) continue;
      account.line.complete(account.heap);
      yield account;
    }
  }

  committed(): void {
    for (const account of this.#listed) {
      if (account.known === null) continue;
      if (account.end !== null) this.#accounts[account.index] = undefined;
      account.committed();
    }
    this.#listed = this.#listed.filter((account) => account.isListed);
  }

  // ---- those that have not ended -----------------------------------------------------------------------------------

  get tracedBytes(): number {
    let bytes = 0;
    for (const account of this.#accounts) if (account?.hasEnded === false) bytes += account.heap.heapBytes;
    return bytes;
  }

  /** With what they hold. */
  get running(): { pid: number; runtime: string; bytes: number; blocks: number; peakBytes: number }[] {
    return this.#running().map(({ heap, known }) => ({
      pid: known!.pid,
      runtime: known!.runtime,
      bytes: heap.heapBytes,
      blocks: heap.liveAllocations,
      peakBytes: heap.peakBytes,
    }));
  }

  liveBlocks(): BlockColumns {
    return liveColumns(this.#running());
  }

  get liveCount(): number {
    return this.#accounts.reduce(
      (sum, account) => sum + (account ? account.blocks.count + account.mappings.count : 0),
      0,
    );
  }

  *all(): Generator<ProcessAccount> {
    for (const account of this.#accounts) if (account !== undefined) yield account;
  }

  /** Memory of the address tables, in bytes. */
  get addressTableBytes(): number {
    return this.#accounts.reduce((sum, account) => sum + (account?.blocks.byteLength ?? 0), 0);
  }

  #running(): ProcessAccount[] {
    return this.#accounts.filter(
      (account): account is ProcessAccount => account?.hasEnded === false && account.known !== null,
    );
  }
}
