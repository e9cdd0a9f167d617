/** Sums over sites by location: what the table of the live view shows. */
import type { Counts, LiveData } from './live-data.ts';
import type { LiveLocations } from './live-locations.ts';

export interface LiveRow {
  /** Index in `LiveLocations.all`. */
  location: number;
  /** Of the function and everything it called. */
  totalBytes: number;
  ownBytes: number;
  allocations: number;
}

export interface LiveTable {
  rows: LiveRow[];
  /** Over the sites, each once. */
  bytes: number;
  allocations: number;
}

export type SortKey = 'totalBytes' | 'ownBytes' | 'allocations';

/** Whether a site is summed up. */
export type SiteFilter = (site: number) => boolean;

/** What is in `counts`, less what is in `base`, of the sites that are selected. */
export function sumUp(
  data: LiveData,
  locations: LiveLocations,
  counts: Counts,
  isSelected: SiteFilter,
  base?: Counts | null,
): LiveTable {
  const rows: (LiveRow | undefined)[] = [];
  let [allBytes, allAllocations] = [0, 0];
  const last = Math.min(data.siteCount, counts.bytes.length - 1);
  for (let site = 1; site <= last; site++) {
    const bytes = counts.bytes[site]! - (base?.bytes[site] ?? 0);
    const allocations = counts.allocations[site]! - (base?.allocations[site] ?? 0);
    if ((bytes === 0 && allocations === 0) || !isSelected(site)) continue;
    allBytes += bytes;
    allAllocations += allocations;
    const stack = locations.ofStack(data.siteStacks[site]!);
    for (let i = 0; i < stack.length; i++) {
      const location = stack[i]!;
      let row = rows[location];
      if (row === undefined) {
        row = { location, totalBytes: 0, ownBytes: 0, allocations: 0 };
        rows[location] = row;
      }
      row.totalBytes += bytes;
      row.allocations += allocations;
      if (i === 0) row.ownBytes += bytes;
    }
  }
  return { rows: rows.filter((row) => row !== undefined), bytes: allBytes, allocations: allAllocations };
}

/** Largest first, whatever the sign; in place. */
export function sortRows(rows: LiveRow[], key: SortKey): LiveRow[] {
  const others: SortKey[] = ['totalBytes', 'ownBytes', 'allocations'];
  const keys = [key, ...others.filter((other) => other !== key)];
  return rows.sort((a, b) => {
    for (const each of keys) {
      const order = Math.abs(b[each]) - Math.abs(a[each]);
      if (order !== 0) return order;
    }
    return a.location - b.location;
  });
}
