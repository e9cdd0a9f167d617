/** Sums over the sites of an aggregator, as plain objects that `deepEqual` can compare. */

import type { Aggregator } from '../../../src/aggregate/aggregator.ts';
import type { SiteSum } from '../../../src/model/accounts.ts';
import { emptySum } from '../../../src/store/site-rows.ts';

export type Numbers = Omit<SiteSum, 'temporaryAllocations' | 'temporaryBytes'> & { temporaries: [number, number][] };

/** All sites for which `select` holds, added up. */
export function sumOf(aggregator: Aggregator, select: (site: number) => boolean = () => true): Numbers {
  const sum = emptySum();
  for (let site = 0; site < aggregator.siteCount; site++) if (select(site)) aggregator.addTo(site, sum);
  return numbers(sum);
}

/** One site. */
export function siteSum(aggregator: Aggregator, site: number): Numbers {
  const sum = emptySum();
  aggregator.addTo(site, sum);
  return numbers(sum);
}

/** The sites of one process. */
export function processSum(aggregator: Aggregator, process: number): Numbers {
  return sumOf(aggregator, (site) => aggregator.processOfThread(aggregator.threadOf(site)) === process);
}

/** The site with this stack and, if given, allocator. */
export function stackSum(aggregator: Aggregator, stack: number, allocator?: number): Numbers {
  return sumOf(aggregator, (site) => {
    return (
      aggregator.stackOf(site) === stack && (allocator ?? aggregator.allocatorOf(site)) === aggregator.allocatorOf(site)
    );
  });
}

function numbers({ temporaryAllocations, temporaryBytes, ...rest }: SiteSum): Numbers {
  const pairs = [...temporaryAllocations].map((count, d): [number, number] => [count, temporaryBytes[d]!]);
  return { ...rest, temporaries: pairs };
}

/** Blocks freed after exactly d other allocations, for the d where there are any: {d: [blocks, bytes]}. */
export function temporariesOf({ temporaries }: Numbers): Record<number, [number, number]> {
  return Object.fromEntries(temporaries.map((pair, d) => [d, pair] as const).filter(([, [count]]) => count > 0));
}
