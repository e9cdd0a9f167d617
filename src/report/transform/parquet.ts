/**
 * Apache Parquet: one row per stack, thread and allocator. Columns have the names of the capture's views; `function`, `file`,
 * `line` and `module` are those of the line that the memory is attributed to, as in `mp table`; `stack` is a list of texts,
 * innermost first. Where the rows come from is in the file's key-value metadata.
 */
import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import { VERSION } from '../../model/version.ts';
import { remembered } from '../../util/remembered.ts';
import type { Capture } from '../report.ts';
import { type Selection, selectionTitle } from '../selection.ts';
import type { FrameRow } from '../source.ts';
import { frameLocation } from '../stacks.ts';
import { type ExportOptions, frameName, mapFrames, type Sample, samplesOf } from './samples.ts';

/** Rows that are encoded together. */
const GROUP_ROWS = 20_000;

type Field = string | bigint | string[] | null;

interface Column {
  schema: SchemaElement[];
  value: (sample: Sample) => Field;
}

export function* parquet(capture: Capture, selection: Selection, options: ExportOptions): Iterable<Uint8Array> {
  const columns = columnsOf();
  const names = Object.keys(columns);
  const { facts } = capture;
  const writer = new ByteWriter();
  const file = new ParquetWriter({
    writer,
    createdBy: `mp version ${VERSION}`,
    schema: [{ name: 'root', num_children: names.length }, ...Object.values(columns).flatMap(({ schema }) => schema)],
    kvMetadata: Object.entries({
      view: selectionTitle(selection, facts),
      command_line: facts.command_line,
      started_at: facts.started_at ?? '',
      losses: JSON.stringify(facts.losses),
    }).map(([key, value]) => ({ key, value })),
  });
  let group: Field[][] = names.map(() => []);
  const writeGroup = () => {
    const columnData = names.map((name, i) => ({ name, data: group[i]!, statistics: name !== 'stack' }));
    file.write({ columnData, rowGroupSize: GROUP_ROWS });
    group = names.map(() => []);
  };
  for (const sample of samplesOf(capture, selection, options)) {
    for (const [i, { value }] of Object.values(columns).entries()) group[i]!.push(value(sample));
    if (group[0]!.length === GROUP_ROWS) writeGroup();
  }
  if (group[0]!.length > 0) writeGroup();
  file.finish();
  yield writer.getBytes();
}

function columnsOf(): Record<string, Column> {
  const frameText = remembered(textOf);
  const required = (type: Partial<SchemaElement>, value: Column['value']) => ({
    type: { ...type, repetition_type: 'REQUIRED' } as const,
    value,
  });
  const optional = (type: Partial<SchemaElement>, value: Column['value']) => ({
    type: { ...type, repetition_type: 'OPTIONAL' } as const,
    value,
  });
  const columns = {
    process_id: required(INT64, ({ process }) => BigInt(process.id)),
    pid: required(INT64, ({ process }) => BigInt(process.pid)),
    comm: optional(STRING, ({ process }) => process.comm),
    cgroup: optional(STRING, ({ process }) => process.cgroup),
    thread_id: required(INT64, ({ thread }) => BigInt(thread.id)),
    tid: required(INT64, ({ thread }) => BigInt(thread.tid)),
    thread_name: optional(STRING, ({ thread }) => thread.name),
    allocator: required(STRING, ({ allocator }) => allocator),
    allocations: required(INT64, ({ allocations }) => BigInt(allocations)),
    bytes: required(INT64, ({ bytes }) => BigInt(bytes)),
    function: optional(STRING, ({ place }) => place?.function ?? null),
    file: optional(STRING, ({ place }) => place?.file ?? null),
    line: optional(INT64, ({ place }) => bigInteger(place?.line)),
    module: optional(STRING, ({ place }) => place?.module ?? null),
    language: optional(STRING, ({ place }) => place?.language ?? null),
    stack_id: optional(INT64, ({ stackId }) => bigInteger(stackId)),
  };
  const plain = Object.entries(columns).map(([name, { type, value }]): [string, Column] => [
    name,
    { schema: [{ name, ...type }], value },
  ]);
  const stack: Column = {
    schema: LIST_OF_STRINGS,
    value: ({ innermost }) => innermost && mapFrames(innermost, frameText),
  };
  return { ...Object.fromEntries(plain), stack };
}

/** As SQLite's integers: a capture may hold any. */
const INT64: Partial<SchemaElement> = { type: 'INT64' };
const STRING: Partial<SchemaElement> = { type: 'BYTE_ARRAY', converted_type: 'UTF8' };

/** https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists */
const LIST_OF_STRINGS: SchemaElement[] = [
  { name: 'stack', repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
];

const bigInteger = (value: number | null | undefined): bigint | null => (value == null ? null : BigInt(value));

/** `load at /src/load.c:20`. */
function textOf(frame: FrameRow | null): string {
  const location = frame && frameLocation(frame);
  return `${frameName(frame)}${location ? ` at ${location}` : ''}`;
}
