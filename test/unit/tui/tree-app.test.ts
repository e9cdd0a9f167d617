import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TreeFilters } from '../../../src/model/stack-tree.ts';
import { paintOf } from '../../../src/tui/paint.ts';
import { runTree, type TreeSource } from '../../../src/tui/tree-app.ts';
import { FakeScreen } from './fake-screen.ts';
import { madeTree, node } from './made-tree.ts';

class TreeScreen extends FakeScreen {
  override draw(lines: string[]): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is left out
    super.draw(lines.map((line) => line.replace(/\x1b\[[\d;]*m/g, '')));
  }

  /** Functions of the rows, that of the details in front. */
  get shown(): string {
    const rows = this.lines
      .slice(1, -1)
      .flatMap((line) => /^ +[\d.]+ \w+ +[\d.]+% +\d+ +[▾▸│·] (\w+)/.exec(line)?.[1] ?? []);
    const detail = this.lines.map((line) => /Function +(\w+)/.exec(line)?.[1]).find(Boolean);
    return `${detail}: ${rows.join(' ')}`;
  }
}

const source: TreeSource = {
  title: 'app.db: ./app',
  status: 'high watermark, losses: none',
  paint: paintOf(true),
  shortenName: (name, width) => name.slice(0, width),
  sourceLines: (_file, line, count) =>
    Array.from({ length: Math.min(count, 3) }, (_, i) => ({ line: line - 1 + i, text: `text ${line - 1 + i}` })),
  load: async (filters) => madeTree(filters),
};

function start(overrides: Partial<TreeSource> = {}, tree = madeTree()) {
  const screen = new TreeScreen(120, 12);
  const end = runTree(screen, tree, { ...source, ...overrides });
  const press = (...keys: string[]) => keys.forEach((key) => void screen.press(key));
  return { screen, end, press };
}

test('a screen full of lines that fit, whatever its size', () => {
  const { screen } = start();
  for (const [columns, rows] of [
    [200, 50],
    [110, 24],
    [80, 24],
    [40, 12],
    [10, 3],
  ] as const) {
    Object.assign(screen, { columns, rows });
    screen.resize();
    for (const line of screen.lines) assert.ok([...line].length <= Math.max(columns, 36), `${columns}: ${line}`);
    if (rows > 11) assert.equal(screen.lines.length, rows);
  }
});

test('keys walk, open and close', () => {
  const { screen, press } = start();
  assert.equal(screen.shown, 'all: all main a b c d');
  press('down', 'down');
  assert.equal(screen.shown, 'a: all main a b c d');
  press('left');
  assert.equal(screen.shown, 'a: all main a d');
  press('right', 'enter', 'space');
  assert.equal(screen.shown, 'a: all main a b c d');
  press('home', 'e');
  assert.equal(screen.shown, 'all: all');
  press('e', 'end');
  assert.equal(screen.shown, 'd: all main a b c d');
  press('pageup', 'x');
  assert.equal(screen.shown, 'all: all main a b c d');
});

test('the details of the selected node', () => {
  const { screen, press } = start();
  press('end');
  const text = screen.lines.join('\n');
  for (const fact of [
    /Location +\/src\/d\.c:7/,
    /Module +\/bin\/app/,
    /Size +400 B \(40\.00%\)/,
    /Threads +1 main 400 B/,
  ])
    assert.match(text, fact);
  assert.match(text, /7 {2}text 7/);
  assert.match(screen.lines[0]!, /^app\.db: \.\/app +high watermark, losses: none$/);
});

test('filters load the tree anew, and say what they would do next', async () => {
  const asked: TreeFilters[] = [];
  const load = async (filters: TreeFilters) => {
    asked.push(filters);
    return madeTree(filters);
  };
  const { screen, press } = start({ load });
  assert.match(screen.lines.at(-1)!, /i hide imports {2}u show uninteresting/);
  press('i', 'down');
  assert.match(screen.lines.at(-1)!, /i hide imports/, 'not there yet');
  await new Promise(setImmediate);
  assert.match(screen.lines.at(-1)!, /i show imports {2}u show uninteresting/);
  press('u');
  await new Promise(setImmediate);
  assert.match(screen.lines.at(-1)!, /i show imports {2}u hide uninteresting/);
  assert.deepEqual(asked, [
    { hidesImports: true, hidesMachinery: true },
    { hidesImports: true, hidesMachinery: false },
  ]);
});

test('names have no power over the terminal', () => {
  const { screen } = start({}, { ...madeTree(), root: node('\x1b[2J\u202eevil', 1) });
  assert.ok(screen.lines.some((line) => line.includes('\\x1b[2J\\u202eevil')));
  assert.ok(!screen.lines.join('').includes('\x1b'));
});

test('Ctrl-Z suspends; q and Ctrl-C end and give the terminal back', async () => {
  for (const key of ['q', 'C-c']) {
    const { screen, end, press } = start();
    press('C-z');
    assert.deepEqual([screen.suspended, screen.closed], [1, 0]);
    press(key);
    await end;
    assert.equal(screen.closed, 1);
  }
});

test('a capture that can not be read any more ends it with the terminal given back', async () => {
  const { screen, end, press } = start({ load: () => Promise.reject(new Error('gone')) });
  press('i');
  await assert.rejects(end, /gone/);
  assert.equal(screen.closed, 1);
});
