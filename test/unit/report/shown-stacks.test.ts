import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FrameOptions, ShownStacks } from '../../../src/report/shown-stacks.ts';
import type { FrameRow, Source } from '../../../src/report/source.ts';
import { framesOf } from '../../../src/report/stacks.ts';
import { columnsOf } from './command.ts';

/** Stacks, root first: `f` is native of the interpreter, `f.py` Python, `f.js` JavaScript, `f.so` native of others. */
function source(...stacks: string[][]): Source {
  const frames = new Map<string, FrameRow>();
  const rows: { id: number; parent_id: number | null; frame_id: number; depth: number }[] = [];
  for (const [i, words] of stacks.entries()) {
    for (const [k, word] of words.entries()) {
      const language = word.endsWith('.py') ? 'python' : word.endsWith('.js') ? 'javascript' : 'native';
      const module = language === 'native' ? (word.endsWith('.so') ? `/lib/${word}` : '/usr/bin/python3') : null;
      const id = frames.get(word)?.id ?? frames.size + 1;
      frames.set(word, { id, function: word, file: null, line: null, language, module, inlined: 0 });
      // Ids of stack i are 100 * i + its depth; no node is shared.
      rows.push({ id: 100 * i + k + 1, parent_id: k === 0 ? null : 100 * i + k, frame_id: id, depth: k + 1 });
    }
  }
  const tables = { frames: [...frames.values()], stacks: rows };
  const iterate = (name: keyof typeof tables) => tables[name];
  const columns = (_name: 'stacks', fields: (keyof (typeof rows)[0])[]) => [columnsOf(rows, fields)];
  return { iterate, columns } as unknown as Source;
}

const MIXED = ['_start', 'libc.so', 'Py_RunMain', 'f.py', 'PyObject_Call', 'zlib.so'];

function shown(words: string[], options: FrameOptions): { names: string; place: string; leftOut: string | null } {
  const stacks = new ShownStacks(source(words), options);
  const innermost = stacks.innermost(words.length)!;
  const names = framesOf(innermost).map((frame) => frame.function);
  return { names: names.join(' '), place: stacks.place(innermost).frame.function!, leftOut: stacks.leftOut };
}

test('which frames are shown, and which one stands for the stack', () => {
  assert.deepEqual(shown(MIXED, {}), { names: 'zlib.so f.py libc.so _start', place: 'f.py', leftOut: 'machinery' });
  assert.deepEqual(shown(MIXED, { nativeMachinery: true }), {
    names: [...MIXED].reverse().join(' '),
    place: 'f.py',
    leftOut: null,
  });
  assert.deepEqual(shown(MIXED, { native: false }), { names: 'f.py', place: 'f.py', leftOut: 'native' });
});

test('stacks of native frames are not touched', () => {
  for (const options of [{}, { native: false }, { nativeMachinery: true }]) {
    const words = ['_start', 'Py_RunMain', 'PyUnicode_New'];
    const names = 'PyUnicode_New Py_RunMain _start';
    assert.deepEqual(shown(words, options), { names, place: 'PyUnicode_New', leftOut: null });
    const stacks = new ShownStacks(source(words, MIXED), options);
    const innermost = stacks.innermost(3)!;
    assert.equal(
      framesOf(innermost)
        .map((frame) => frame.function)
        .join(' '),
      names,
    );
    assert.equal(stacks.place(innermost), innermost);
  }
});

test('JavaScript: its line stands for the stack, the machinery of Python is none of its own', () => {
  const words = ['main.so', 'Py_RunMain', 'request.js', 'buffer.so'];
  assert.deepEqual(shown(words, {}), {
    names: 'buffer.so request.js Py_RunMain main.so',
    place: 'request.js',
    leftOut: null,
  });
  assert.equal(shown(words, { native: false }).names, 'request.js');
});

test('stacks that look alike are one, and stacks share what they begin with', () => {
  const other = ['_start', 'libc.so', 'PyRun_File', 'f.py', 'zlib.so'];
  const startup = ['_start', 'libc.so', 'Py_RunMain'];
  const stacks = new ShownStacks(source(MIXED, other, startup), {});
  const [one, two, three] = [stacks.innermost(6)!, stacks.innermost(105)!, stacks.innermost(203)!];
  assert.equal(one, two);
  assert.equal(one.parent!.parent, three.parent);
  assert.equal(new Set([one, one.parent!, three, three.parent!].map((node) => node.id)).size, 4);
  const all = new ShownStacks(source(MIXED, other), { nativeMachinery: true });
  assert.notEqual(all.innermost(6), all.innermost(105));
});

test('a stack that is not known', () => {
  const stacks = new ShownStacks(source(MIXED), {});
  assert.equal(stacks.innermost(null), null);
  assert.equal(stacks.innermost(99), null);
});

test('a very deep stack', () => {
  const words = Array.from({ length: 50_000 }, (_, i) => (i % 2 === 0 ? '_PyEval_EvalFrameDefault' : 'f.py'));
  const stacks = new ShownStacks(source(words), {});
  assert.equal(framesOf(stacks.innermost(words.length)).length, 25_000);
});
