/**
 * Programs in interpreted languages that state the stacks of their allocations, and the comparison with a capture.
 * How they state them: test/programs/python/sites.py, test/programs/node/sites.cjs.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { CaptureFile, ViewRow } from './capture-file.ts';

/** Function, file and line; what a fourth word says depends on the language. */
export type StatedFrame = [name: string, file: string | null, line: number, isWhole?: boolean];

/** A place that allocates, as the interpreter itself sees it. */
export interface StatedSite {
  /** Alternatives are separated by `|`. */
  allocator: string;
  /** null: not known. */
  bytes: number | null;
  allocations?: number;
  temporary?: { allocations: number; bytes: number };
  /** `threading.Thread.name`. */
  thread: string;
  /** Parts of module paths, or of function names: native frames of each lie between the site and the allocator. */
  modules: string[];
  /** Innermost first. */
  frames: StatedFrame[];
}

export interface StackFrame {
  function: string | null;
  file: string | null;
  line: number | null;
  language: string;
  module: string | null;
  inlined: number;
}

/** What differs between languages. */
export interface Language {
  /** As in frame.language. */
  name: string;
  /** Of the frames of a stack, those that a program states. */
  select(frames: StackFrame[]): StackFrame[];
  isSame(stated: StatedFrame, frame: StackFrame): boolean;
  /** Which frames lack what they must have, as a condition in SQL. */
  unnamed: string;
}

/** What `program` states. Fails where two sites have one size, or one stack. */
export function readSites(
  program: string,
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): StatedSite[] {
  const lines = execFileSync(command, args, { encoding: 'utf8', env, maxBuffer: 2 ** 24 })
    .trim()
    .split('\n');
  const sites = lines.map((line) => JSON.parse(line) as StatedSite);
  for (const key of [
    (site: StatedSite) => site.bytes ?? site.frames,
    (site: StatedSite) => [site.thread, site.frames],
  ]) {
    const keys = sites.map((site) => `${site.allocator} ${JSON.stringify(key(site))}`);
    assert.equal(new Set(keys).size, keys.length, `${program}: two sites cannot be told apart`);
  }
  return sites;
}

/** All stacks of a capture, read once: the view stack_frame writes out every one, also 2,000 times 2,000 frames. */
export class Stacks {
  readonly #nodes = new Map<number, StackFrame & { parent_id: number | null }>();

  constructor(capture: CaptureFile) {
    const nodes = capture.all<StackFrame & { id: number; parent_id: number | null }>(
      `SELECT stack.id, parent_id, function, file, line, language, path AS module, inlined
       FROM stack JOIN frame ON frame.id = frame_id LEFT JOIN module ON module.id = module_id`,
    );
    for (const node of nodes) this.#nodes.set(node.id, node);
  }

  /** Innermost first. */
  frames(stackId: number | null): StackFrame[] {
    const frames: StackFrame[] = [];
    for (let id = stackId; id !== null; id = this.#nodes.get(id)!.parent_id) frames.push(this.#nodes.get(id)!);
    return frames;
  }
}

export function describeFrame(frame: { function: string | null; file: string | null; line: number | null }): string {
  return `${frame.function} ${frame.file}:${frame.line}`;
}

/** The first difference between the frames of a language in a stack and the stated ones. */
export function compareFrames(language: Language, stated: StatedFrame[], frames: StackFrame[]): string | null {
  const found = language.select(frames);
  if (found.length === 0) return `the stack has no ${language.name} frame`;
  const at = stated.findIndex((frame, index) => !found[index] || !language.isSame(frame, found[index]));
  if (at !== -1) {
    const [name, file, line] = stated[at]!;
    const recorded = found[at] && describeFrame(found[at]);
    return `${language.name} frame ${at} is stated as ${name} ${file}:${line}, recorded as ${recorded}`;
  }
  return found.length === stated.length ? null : `${found.length} ${language.name} frames, ${stated.length} stated`;
}

/** What is wrong with the native frames around the stated frames of a site. */
export function compareNatives(language: Language, site: StatedSite, frames: StackFrame[]): string | null {
  const isStated = (frame: StackFrame) => frame.language === language.name;
  const first = frames.indexOf(language.select(frames)[0]!);
  const inner = frames.slice(0, first).filter((frame) => frame.language === 'native');
  if (inner.length === 0) return `no native frame between ${language.name} and the allocator`;
  if (isStated(frames.at(-1)!)) return 'the outermost frame is no native one';
  const isIn = (module: string, frame: StackFrame) =>
    frame.module?.includes(module) || frame.function?.includes(module);
  const missing = site.modules.find((module) => !inner.some((frame) => isIn(module, frame)));
  if (missing) return `no frame of ${missing} between ${language.name} and the allocator`;
  const isCallback = /^called_?by/i.test(site.frames[0]![0]);
  if (isCallback && isStated(frames[first + 1]!)) return 'no native frame between a callback and its caller';
  return null;
}

/** Rows of a view that belong to a site by their allocator and by their stated frames. */
export function rowsOfSite(
  language: Language,
  site: StatedSite,
  view: string,
  capture: CaptureFile,
  stacks: Stacks,
): ViewRow[] {
  return capture
    .rows(view)
    .filter((row) => site.allocator.split('|').includes(row.allocator))
    .filter((row) => compareFrames(language, site.frames, stacks.frames(row.stack_id)) === null);
}

/** Rows of a site, found without looking at stated frames where its size is known. */
function candidates(language: Language, site: StatedSite, capture: CaptureFile, stacks: Stacks): ViewRow[] {
  if (site.bytes === null) return rowsOfSite(language, site, 'allocations', capture, stacks);
  return capture
    .rows('allocations')
    .filter((row) => site.allocator.split('|').includes(row.allocator) && row.bytes === site.bytes);
}

function compareSite(language: Language, site: StatedSite, capture: CaptureFile, stacks: Stacks): string | null {
  const rows = candidates(language, site, capture, stacks);
  if (rows.length === 0) return 'no row';
  if (site.bytes !== null && (rows.length > 1 || rows[0]!.allocations !== 1)) return 'more than one allocation';
  const problems = rows.map((row) => {
    const frames = stacks.frames(row.stack_id);
    return compareFrames(language, site.frames, frames) ?? compareNatives(language, site, frames);
  });
  return problems.includes(null) ? null : problems[0]!;
}

/** Every difference between what a program states and the capture, and what is wrong with the capture itself. */
export function compareAll(language: Language, sites: StatedSite[], capture: CaptureFile): string[] {
  const stacks = new Stacks(capture);
  const differences = sites.flatMap((site) => {
    const problem = compareSite(language, site, capture, stacks);
    return problem ? [`${site.frames[0]![0]}, ${site.allocator} ${site.bytes}: ${problem}`] : [];
  });
  return [...differences, ...compareState(language, capture)];
}

/** Frames of a language that were seen but not named, lost events, and sums that don't agree. */
export function compareState(language: Language, capture: CaptureFile): string[] {
  const unnamed = capture.all<StackFrame>(
    `SELECT function, file, line FROM frame WHERE language = ? AND (${language.unnamed})`,
    language.name,
  );
  const dropped = capture.losses().get('ring_dropped');
  return [
    ...unnamed.map((frame) => `a ${language.name} frame without a name: ${describeFrame(frame)}`),
    ...(dropped === 0 ? [] : [`ring_dropped is ${dropped}`]),
    ...capture.inconsistencies(),
  ];
}
