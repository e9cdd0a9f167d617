/** All stages from a batch to a capture file, as a recording session has them. */

import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Aggregator, type AggregatorOptions } from '../../../src/aggregate/aggregator.ts';
import type { Losses } from '../../../src/model/types.ts';
import { type Db, openReader, type Row } from '../../../src/store/db.ts';
import { CaptureWriter, type WriterOptions } from '../../../src/store/writer.ts';
import { Symbolizer } from '../../../src/symbolize/symbolizer.ts';
import { RecordBuilder } from './record-builder.ts';
import { temporaryFolder } from './temporary-folder.ts';

export class Recording {
  readonly path: string;
  readonly aggregator: Aggregator;
  readonly symbolizer = new Symbolizer();
  readonly writer: CaptureWriter;
  readonly builder: RecordBuilder;
  losses: Losses = {};

  constructor(context: TestContext, builder = new RecordBuilder(), options: WriterOptions & AggregatorOptions = {}) {
    this.path = join(temporaryFolder(context), 'capture.db');
    this.writer = new CaptureWriter(this.path, options);
    this.builder = builder;
    this.aggregator = new Aggregator(options);
  }

  apply(): this {
    const batch = this.builder.take();
    this.aggregator.apply(batch);
    this.symbolizer.add(batch);
    return this;
  }

  commit(): this {
    this.apply().writer.commit(this.aggregator, this.symbolizer, this.losses);
    return this;
  }

  finish(): this {
    this.apply().writer.finish(this.aggregator, this.symbolizer, this.losses, { endedAt: '2026-11-21T12:00:00Z' });
    return this;
  }

  /** Rows of a query, from a reader of its own. */
  rows<R = Row>(sql: string): R[] {
    return this.#read((db) => db.all<R>(sql));
  }

  /** First column of every row. */
  column(sql: string): unknown[] {
    return this.rows(sql).map((row) => Object.values(row)[0]);
  }

  #read<T>(work: (db: Db) => T): T {
    const db = openReader(this.path);
    try {
      return work(db);
    } finally {
      db.close();
    }
  }
}
