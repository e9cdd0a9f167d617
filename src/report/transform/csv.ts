/**
 * CSV (RFC 4180), one record per stack, thread and allocator. The first six columns are those of memray's
 * `transform csv`; a stack is `function;file;line|function;file;line|…`, innermost first, with 0 for a line and the mapped
 * file for a source file that is not known. What of `\ ; |` is part of a name has a backslash before it.
 */
import { remembered } from '../../util/remembered.ts';
import { csvLine } from '../query-result.ts';
import type { Capture } from '../report.ts';
import type { Selection } from '../selection.ts';
import type { FrameRow } from '../source.ts';
import { type ExportOptions, frameFile, frameName, mapFrames, type Sample, samplesOf } from './samples.ts';

type Field = (sample: Sample) => string | number | null;

const COLUMNS: Record<string, Field> = {
  allocator: (sample) => sample.allocator,
  num_allocations: (sample) => sample.allocations,
  size: (sample) => sample.bytes,
  tid: (sample) => sample.thread.tid,
  thread_name: (sample) => sample.thread.name,
  stack_trace: () => null,
  pid: (sample) => sample.process.pid,
  comm: (sample) => sample.process.comm,
  function: (sample) => sample.place?.function ?? null,
  file: (sample) => sample.place?.file ?? null,
  line: (sample) => sample.place?.line ?? null,
  module: (sample) => sample.place?.module ?? null,
};

export function* csv(capture: Capture, selection: Selection, options: ExportOptions): Iterable<string> {
  yield csvLine(Object.keys(COLUMNS));
  const frameText = remembered(textOf);
  // Empty if the stack is not known.
  const stack_trace: Field = ({ innermost }) => innermost && mapFrames(innermost, frameText).join('|');
  const columns = Object.values({ ...COLUMNS, stack_trace });
  for (const sample of samplesOf(capture, selection, options)) yield csvLine(columns.map((value) => value(sample)));
}

function textOf(frame: FrameRow | null): string {
  return `${escaped(frameName(frame))};${escaped(frameFile(frame))};${frame?.line ?? 0}`;
}

const escaped = (name: string): string => name.replace(/[\\;|]/g, '\\$&');
