/** What happened in a range of time, computed anew from the list of all changes. */

import { groupBy } from '../../../src/util/group-by.ts';
import type { Change, NaiveAccounts, NaiveSite } from './naive-accounts.ts';

export interface WindowNumbers {
  allocations: number;
  allocated_bytes: number;
  deallocated_bytes: number;
  peak_allocations: number;
  peak_bytes: number;
  live_allocations: number;
  live_bytes: number;
}

/** Numbers of every site for [from, to). `endOf` tells when a process ended. */
export function naiveWindow(
  { changes }: NaiveAccounts,
  from: number,
  to: number,
  endOf: (process: number) => number,
): Map<NaiveSite, WindowNumbers> {
  const result = new Map<NaiveSite, WindowNumbers>();
  const of = (site: NaiveSite) => {
    const numbers = result.get(site) ?? nothing();
    result.set(site, numbers);
    return numbers;
  };
  for (const { timeNs, bornNs, site, bytes, blocks } of changes) {
    if (timeNs >= to) break;
    const numbers = of(site);
    if (timeNs >= from && bornNs === timeNs && blocks > 0 && bytes >= 0) {
      numbers.allocations += 1;
      numbers.allocated_bytes += bytes;
    } else if (timeNs >= from) {
      numbers.deallocated_bytes -= bytes;
    }
    if (bornNs < from) continue;
    numbers.live_allocations += blocks;
    numbers.live_bytes += bytes;
  }
  const byProcess = groupBy(changes, ({ site }) => site.process);
  for (const [process, own] of byProcess) if (endOf(process) >= from) addPeak(own, from, to, of);
  return result;
}

/** Adds what was live after the change at which the heap was largest; the later of two. */
function addPeak(changes: Change[], from: number, to: number, of: (site: NaiveSite) => WindowNumbers): void {
  let heap = 0;
  let peak = { heap: -1, count: 0 };
  for (let count = 0; count <= changes.length; count++) {
    const isIn = changes[count] === undefined || changes[count]!.timeNs >= from;
    if (isIn && heap >= peak.heap) peak = { heap, count };
    if (changes[count] === undefined || changes[count]!.timeNs >= to) break;
    heap += changes[count]!.bytes;
  }
  for (const { site, blocks, bytes } of changes.slice(0, peak.count)) {
    of(site).peak_allocations += blocks;
    of(site).peak_bytes += bytes;
  }
}

function nothing(): WindowNumbers {
  return {
    allocations: 0,
    allocated_bytes: 0,
    deallocated_bytes: 0,
    peak_allocations: 0,
    peak_bytes: 0,
    live_allocations: 0,
    live_bytes: 0,
  };
}

/** Blocks and bytes that were allocated in [from, to) and freed in it after at most `threshold` others, by site. */
export function naiveTemporaries(
  { changes }: NaiveAccounts,
  from: number,
  to: number,
  threshold: number,
): Map<NaiveSite, [blocks: number, bytes: number]> {
  const result = new Map<NaiveSite, [number, number]>();
  for (const { timeNs, bornNs, site, bytes, distance } of changes) {
    if (timeNs >= to || bornNs < from || distance === null || distance > threshold) continue;
    const [blocks, sum] = result.get(site) ?? [0, 0];
    result.set(site, [blocks + 1, sum - bytes]);
  }
  return result;
}
