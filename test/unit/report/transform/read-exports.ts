/** Reads each format back, the binary ones with another library's or the library's own decoder. */
import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { Profile } from 'pprof-format';
import type { Capture } from '../../../../src/report/report.ts';
import type { Selection } from '../../../../src/report/selection.ts';
import { FORMATS } from '../../../../src/report/transform/formats.ts';
import type { ExportOptions } from '../../../../src/report/transform/samples.ts';
import { HIGH_WATERMARK } from '../command.ts';

/** What one stack of an export has. */
export interface ReadStack {
  /** Functions, innermost first. */
  functions: string[];
  bytes?: number;
  allocations?: number;
}

/** All pieces of the format as one. */
export async function exported(
  format: string,
  capture: Capture,
  selection: Partial<Selection> = {},
  options: Partial<ExportOptions> = {},
): Promise<Buffer> {
  const exporter = await FORMATS[format]!.load();
  const how: ExportOptions = { splitThreads: false, count: 'bytes', ...options };
  const pieces = exporter(capture, { ...HIGH_WATERMARK, ...selection }, how);
  return Buffer.concat(Array.from(pieces, (piece) => Buffer.from(piece as string)));
}

/** RFC 4180: records of fields. */
export function readCsv(text: string): string[][] {
  const records: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    if (end === '' && plain === '') break;
    records.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (end === '\r\n') records.push([]);
  }
  return records.filter((record) => record.length > 0);
}

/** Splits at `separator` unless a backslash stands before it. */
export function splitEscaped(text: string, separator: string): string[] {
  const parts = text.match(new RegExp(`(?:\\\\.|[^\\\\${separator}])*(?:\\${separator}|$)`, 'gs')) ?? [];
  return parts.slice(0, -1).map((part) => part.replace(new RegExp(`\\${separator}$`), ''));
}

const unescaped = (text: string): string => text.replace(/\\(.)/gs, '$1');

interface SpeedscopeFile {
  shared: { frames: { name: string; file?: string; line?: number }[] };
  profiles: { name: string; unit: string; endValue: number; samples: number[][]; weights: number[] }[];
}

function readSpeedscope(text: string): ReadStack[] {
  const { shared, profiles } = JSON.parse(text) as SpeedscopeFile;
  return profiles.flatMap(({ samples, weights, unit, endValue }) => {
    assert.equal(samples.length, weights.length);
    assert.equal(
      weights.reduce((sum, weight) => sum + weight, 0),
      endValue,
    );
    return samples.map((sample, i) => ({
      functions: sample.map((frame) => shared.frames[frame]!.name).reverse(),
      ...(unit === 'bytes' ? { bytes: weights[i]! } : { allocations: weights[i]! }),
    }));
  });
}

interface Gprof2dotFile {
  version: number;
  costs: { description: string; unit: string }[];
  events: { callchain: number[]; cost: number[] }[];
  functions: { name: string; module?: string; process?: string }[];
}

/** Checks what https://github.com/jrfonseca/gprof2dot/blob/main/schema.json demands. */
function readGprof2dot(text: string): ReadStack[] {
  const file = JSON.parse(text) as Gprof2dotFile;
  assert.deepEqual(Object.keys(file).sort(), ['costs', 'events', 'functions', 'version']);
  assert.equal(file.version, 0);
  for (const entry of file.functions) {
    for (const [key, value] of Object.entries(entry)) {
      assert.ok(['name', 'module', 'process'].includes(key) && typeof value === 'string', key);
    }
  }
  const kind = file.costs[0]!.unit;
  return file.events.map(({ callchain, cost }) => {
    assert.ok(callchain.length > 0 && cost.length === file.costs.length);
    return { functions: callchain.map((index) => file.functions[index]!.name), [kind]: cost[0]! };
  });
}

export function readProfile(bytes: Buffer): { profile: Profile; text: (index: number | bigint) => string } {
  const profile = Profile.decode(gunzipSync(bytes));
  return { profile, text: (index) => profile.stringTable.strings[Number(index)]! };
}

/** Checks what pprof itself checks when it reads a profile. */
function readPprof(bytes: Buffer): ReadStack[] {
  const { profile, text } = readProfile(bytes);
  assert.equal(text(0), '');
  for (const list of [profile.mapping, profile.location, profile.function])
    assert.deepEqual(
      list.map(({ id }) => Number(id)),
      list.map((_, i) => i + 1),
    );
  return profile.sample.map((sample) => {
    assert.equal(sample.value.length, profile.sampleType.length);
    const lines = sample.locationId.flatMap((id) => {
      const location = profile.location[Number(id) - 1]!;
      assert.ok(Number(location.mappingId) <= profile.mapping.length);
      return location.line;
    });
    return {
      functions: lines.map((line) => text(profile.function[Number(line.functionId) - 1]!.name)),
      allocations: Number(sample.value[0]),
      bytes: Number(sample.value[1]),
    };
  });
}

function readCollapsed(text: string): ReadStack[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, stack, value] = /^(.+) (\d+)$/.exec(line)!;
      return { functions: stack!.split(';').reverse(), bytes: Number(value) };
    });
}

export type ParquetRow = Record<string, string | number | bigint | null> & { stack: string[] | null };

export async function readParquet(bytes: Buffer): Promise<ParquetRow[]> {
  const file = new Uint8Array(bytes).buffer;
  return (await parquetReadObjects({ file })) as ParquetRow[];
}

const NO_STACK = ['<stack trace unavailable>'];

/** Stacks with their numbers; formats with one number have one of the two. */
export async function readExport(format: string, bytes: Buffer): Promise<ReadStack[]> {
  const text = bytes.toString('utf8');
  if (format === 'gprof2dot') return readGprof2dot(text);
  if (format === 'speedscope') return readSpeedscope(text);
  if (format === 'collapsed') return readCollapsed(text);
  if (format === 'pprof') return readPprof(bytes);
  if (format === 'csv')
    return readCsv(text)
      .slice(1)
      .map(([, allocations, size, , , stack]) => ({
        functions:
          stack === '' ? NO_STACK : splitEscaped(stack!, '|').map((part) => unescaped(splitEscaped(part, ';')[0]!)),
        allocations: Number(allocations),
        bytes: Number(size),
      }));
  return (await readParquet(bytes)).map((row) => ({
    functions: row.stack?.map((frame) => frame.replace(/ at [^ ]*$/, '')) ?? NO_STACK,
    allocations: Number(row.allocations),
    bytes: Number(row.bytes),
  }));
}

/** All bytes and all allocations; null for what the format does not have. */
export function sums(stacks: ReadStack[]): { bytes: number | null; allocations: number | null } {
  const sum = (key: 'bytes' | 'allocations') =>
    stacks.some((stack) => stack[key] !== undefined)
      ? stacks.reduce((total, stack) => total + (stack[key] ?? 0), 0)
      : null;
  return { bytes: sum('bytes'), allocations: sum('allocations') };
}
