import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aggregator } from '../../../src/aggregate/aggregator.ts';
import type { NaiveAccounts, NaiveSite } from '../helpers/naive-accounts.ts';
import { RandomOperations } from '../helpers/random-operations.ts';
import { siteSum } from '../helpers/site-sums.ts';

const STEPS = 200_000;

function compare(aggregator: Aggregator, naive: NaiveAccounts): void {
  assert.equal(aggregator.siteCount, naive.sites.size);
  for (let site = 0; site < aggregator.siteCount; site++) {
    const key = [aggregator.threadOf(site), aggregator.allocatorOf(site), aggregator.stackOf(site)].join('/');
    const { process, ...expected } = naive.sites.get(key) as NaiveSite;
    assert.equal(aggregator.processOfThread(aggregator.threadOf(site)), process);
    assert.deepEqual(siteSum(aggregator, site), expected, `site ${key}`);
  }
  for (const [index, { heapBytes, peakBytes }] of naive.processes) {
    const { heap } = aggregator.process(index)!;
    assert.deepEqual([heap.heapBytes, heap.peakBytes], [heapBytes, peakBytes], `process ${index}`);
  }
  assert.equal(aggregator.losses.unmatched_free, naive.unmatchedFrees);
}

for (const seed of [1, 4711]) {
  test(`agrees with the naive accounts after ${STEPS / 2} random operations, seed ${seed}`, () => {
    const aggregator = new Aggregator();
    const operations = new RandomOperations(seed);
    for (let step = 1; step <= STEPS / 2; step++) {
      operations.step();
      if (step % 97 === 0) aggregator.apply(operations.builder.take());
      if (step % 20_000 === 0) {
        aggregator.apply(operations.builder.take());
        compare(aggregator, operations.naive);
      }
    }
    assert.ok(operations.naive.unmatchedFrees > 500);
    assert.ok([...operations.naive.sites.values()].some(({ temporaries }) => temporaries[16]![0] > 0));
  });
}
