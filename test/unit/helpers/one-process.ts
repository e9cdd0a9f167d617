/** An aggregator, a process and two threads of it, ready for records. */

import { Aggregator } from '../../../src/aggregate/aggregator.ts';
import { RecordBuilder } from './record-builder.ts';

export function oneProcess() {
  const aggregator = new Aggregator();
  const builder = new RecordBuilder();
  const process = builder.process();
  const thread = builder.thread(process);
  const other = builder.thread(process);
  return { aggregator, builder, process, thread, other, apply: () => aggregator.apply(builder.take()) };
}
