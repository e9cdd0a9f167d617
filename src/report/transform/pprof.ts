/**
 * pprof's profile.proto, gzipped: https://github.com/google/pprof/blob/main/proto/profile.proto. What is live, at the high
 * watermark or at the end, are `inuse_objects` and `inuse_space`, what was allocated `alloc_objects` and `alloc_space`.
 *
 *     sample     location ids, innermost first; [objects, bytes]; labels pid, comm, thread, tid, allocator, language, cgroup
 *     location   one native call with the functions inlined there, innermost first; addresses are not in a capture
 *     mapping    a mapped file with its build id; the program first
 */
import { gzipSync } from 'node:zlib';
import { type FunctionInput, type LocationInput, type MappingInput, Profile, StringTable } from 'pprof-format';
import { VERSION } from '../../model/version.ts';
import { remembered } from '../../util/remembered.ts';
import type { Facts } from '../facts.ts';
import { lossLines } from '../losses.ts';
import type { Capture } from '../report.ts';
import { type Selection, selectionTitle, type View } from '../selection.ts';
import type { FrameRow } from '../source.ts';
import { type ExportOptions, frameLabel, mapFrames, type Sample, samplesOf } from './samples.ts';

const SAMPLE_TYPES: Record<View, { objects: string; space: string }> = {
  high_watermark: { objects: 'inuse_objects', space: 'inuse_space' },
  leaks: { objects: 'inuse_objects', space: 'inuse_space' },
  temporary_allocations: { objects: 'alloc_objects', space: 'alloc_space' },
  allocations: { objects: 'alloc_objects', space: 'alloc_space' },
  v8_samples: { objects: 'samples', space: 'alloc_space' },
};

export function* pprof(capture: Capture, selection: Selection, options: ExportOptions): Iterable<Uint8Array> {
  yield gzipSync(profileOf(capture, selection, options).encode());
}

function profileOf(capture: Capture, selection: Selection, options: ExportOptions): Profile {
  const { facts } = capture;
  const strings = new StringTable();
  const text = (string: string) => strings.dedup(string);
  const { objects, space } = SAMPLE_TYPES[selection.view];
  const bytesType = { type: text(space), unit: text('bytes') };
  const locations = new Locations(capture, text);
  const labels = new Labels(text);
  const sample = Array.from(samplesOf(capture, selection, options), (one) => ({
    locationId: locations.ids(one),
    value: [one.allocations, one.bytes],
    label: labels.of(one),
  }));
  return new Profile({
    sampleType: [{ type: text(objects), unit: text('count') }, bytesType],
    defaultSampleType: bytesType.type,
    sample,
    mapping: locations.mappings,
    location: locations.locations,
    function: locations.functions,
    // Every byte is counted: samples stand for themselves.
    periodType: { type: text('space'), unit: text('bytes') },
    period: 1,
    timeNanos: BigInt(Date.parse(facts.started_at ?? '') || 0) * 1_000_000n,
    durationNanos: facts.duration_ns,
    comment: comments(facts, selection).map(text),
    stringTable: strings,
  });
}

function comments(facts: Facts, selection: Selection): string[] {
  return [
    `mp ${VERSION}: ${facts.command_line || facts.capture}`,
    `view: ${selectionTitle(selection, facts)}`,
    ...facts.warnings.map((warning) => `warning: ${warning}`),
    ...lossLines(facts.losses, Number.POSITIVE_INFINITY),
  ];
}

type Text = (string: string) => number;
type Numbered<Entry> = Entry & { id: number };

/** Functions, locations and mappings by what they are made of, each with the id that is its place from 1. */
class Locations {
  readonly mappings: Numbered<MappingInput>[] = [];
  readonly locations: Numbered<LocationInput>[] = [];
  readonly functions: Numbered<FunctionInput>[] = [];
  readonly #text: Text;
  readonly #mappingOfFrame = new Map<number, number>();
  readonly #ids = new Map<string, number>();

  constructor({ source, facts }: Capture, text: Text) {
    this.#text = text;
    const program = facts.processes[0]?.executable;
    const modules = source.all('frame_modules').sort((a, b) => Number(b.path === program) - Number(a.path === program));
    for (const { frame_id, module_id, path, build_id } of modules) {
      const id = this.#id(`module ${module_id}`, this.mappings, () => ({
        filename: text(path),
        buildId: text(build_id ?? ''),
        // Nothing is left to symbolize.
        hasFunctions: true,
        hasFilenames: true,
        hasLineNumbers: true,
        hasInlineFrames: true,
      }));
      this.#mappingOfFrame.set(frame_id, id);
    }
  }

  /** Of the stack, innermost first. */
  ids({ innermost }: Sample): number[] {
    const ids: number[] = [];
    let inlined: (FrameRow | null)[] = [];
    for (const frame of mapFrames(innermost, (one) => one)) {
      const last = inlined.at(-1);
      // What is inlined ends with the function that it is inlined in; that may be hidden.
      if (last && !isSameCode(last, frame)) {
        ids.push(this.#location(inlined));
        inlined = [];
      }
      inlined.push(frame);
      if (frame?.inlined) continue;
      ids.push(this.#location(inlined));
      inlined = [];
    }
    if (inlined.length > 0) ids.push(this.#location(inlined));
    return ids;
  }

  #location(frames: (FrameRow | null)[]): number {
    return frames.length === 1 ? this.#ofOne(frames[0] ?? null) : this.#ofSeveral(frames);
  }

  readonly #ofOne = remembered((frame: FrameRow | null) => this.#ofSeveral([frame]));

  #ofSeveral(frames: (FrameRow | null)[]): number {
    const key = `location ${frames.map((frame) => frame?.id).join(' ')}`;
    return this.#id(key, this.locations, () => ({
      mappingId: this.#mappingOfFrame.get(frames[0]?.id ?? -1) ?? 0,
      line: frames.map((frame) => ({ functionId: this.#function(frame), line: frame?.line ?? 0 })),
    }));
  }

  #function(frame: FrameRow | null): number {
    const [name, file] = [frameLabel(frame), frame?.file ?? ''];
    return this.#id(`function ${name}\0${file}`, this.functions, () => ({
      name: this.#text(name),
      systemName: this.#text(name),
      filename: this.#text(file),
    }));
  }

  #id<Entry>(key: string, list: Numbered<Entry>[], make: () => Entry): number {
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = list.length + 1;
      this.#ids.set(key, id);
      list.push({ ...make(), id });
    }
    return id;
  }
}

const isSameCode = (a: FrameRow, b: FrameRow | null): boolean => a.module === b?.module && a.language === b.language;

/** Labels are texts: pprof takes a number without a unit for a quantity, and shows pid 7 as `7pid`. */
class Labels {
  readonly #text: Text;
  readonly #known = new Map<string, { key: number; str: number }[]>();

  constructor(text: Text) {
    this.#text = text;
  }

  of(sample: Sample): { key: number; str: number }[] {
    const key = `${sample.thread.id} ${sample.allocator} ${sample.place?.language}`;
    let labels = this.#known.get(key);
    if (labels === undefined) {
      labels = this.#make(sample);
      this.#known.set(key, labels);
    }
    return labels;
  }

  #make({ process, thread, allocator, place }: Sample): { key: number; str: number }[] {
    const labels = {
      pid: `${process.pid}`,
      comm: process.comm,
      thread: thread.name,
      tid: `${thread.tid}`,
      allocator,
      language: place?.language,
      cgroup: process.cgroup,
    };
    return Object.entries(labels).flatMap(([key, value]) =>
      value ? [{ key: this.#text(key), str: this.#text(value) }] : [],
    );
  }
}
