/** Stacks of a capture in words, one for each frame. */
import type { CaptureFixture, FrameSpec } from './capture-fixture.ts';

export interface Words {
  language: 'python' | 'javascript';
  /** The module of native functions that have no other. */
  interpreter: string;
  /** By what stands before the colon in a word. */
  modules: Record<string, string>;
}

/**
 * Adds stacks, root first; their ids by name. Words are functions of the interpreter, `?` one without a name, `libc:f` one
 * of another module; `name@file:line`, `name@file` and `name@` are frames of the language.
 */
export function addStacks<Name extends string>(
  capture: CaptureFixture,
  stacks: Record<Name, string[]>,
  words: Words,
): Record<Name, number> {
  const modules = new Map<string, number>();
  const frames = new Map<string, number>();
  const moduleId = (path: string) => idOf(modules, path, () => capture.module(path));
  const frameId = (word: string) => idOf(frames, word, () => capture.frame(frameSpec(word, words, moduleId)));
  const ids = Object.entries<string[]>(stacks).map(([name, frames]) => [name, capture.stack(...frames.map(frameId))]);
  return Object.fromEntries(ids) as Record<Name, number>;
}

function frameSpec(
  word: string,
  { language, interpreter, modules }: Words,
  module: (path: string) => number,
): FrameSpec {
  const line = /^(.*)@(.*?)(?::(\d+))?$/.exec(word);
  if (line) return { function: line[1]!, file: line[2] || null, line: line[3] ? Number(line[3]) : null, language };
  const native = /^(\w+):(?!:)(.*)$/.exec(word);
  if (native) return { function: native[2]!, module: module(modules[native[1]!]!) };
  return { function: word === '?' ? null : word, module: module(interpreter) };
}

function idOf(ids: Map<string, number>, key: string, insert: () => number): number {
  const id = ids.get(key) ?? insert();
  ids.set(key, id);
  return id;
}
