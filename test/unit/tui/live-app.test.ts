import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type LiveApplication, runLive } from '../../../src/tui/live-app.ts';
import { Replay } from '../../../src/tui/live-replay.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { FakeScreen } from './fake-screen.ts';
import { at, CONTEXT, LiveCapture, newModel } from './live-capture.ts';

class ClickedScreen extends FakeScreen {
  /** Clicks in the middle of what the screen shows. */
  clickOn(text: string): void {
    const lines = this.text.replaceAll('_', '').split('\n');
    const row = lines.findIndex((line) => line.includes(text));
    assert.ok(row >= 0, `${text} on the screen:\n${this.text}`);
    this.click(lines[row]!.replace(/^>/, '').indexOf(text) + Math.floor(text.length / 2), row);
  }
}

function start(t: TestContext, overrides: Partial<LiveApplication> = {}) {
  const capture = new LiveCapture(join(temporaryFolder(t), 'capture.db'));
  t.after(() => capture.close());
  const screen = new ClickedScreen(80, 24);
  const reader = capture.reader();
  let seconds = 2;
  let wake: () => void = () => undefined;
  const model = newModel();
  const end = runLive(screen, model, {
    ...CONTEXT,
    next: async () => {
      if (seconds > 2) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return reader.poll(at(seconds++));
    },
    sourceLines: (_file, line) => [{ line, text: `text ${line}` }],
    writeFlameGraph: async () => '/tmp/graph.html',
    writeSnapshot: async () => '/tmp/snapshot.db',
    ...overrides,
  });
  const settle = () => new Promise(setImmediate);
  /** The next look. */
  const look = async () => {
    wake();
    await settle();
  };
  const press = (...keys: string[]) => {
    for (const key of keys) screen.press(key, key.length === 1 ? key : undefined);
  };
  return { capture, screen, model, end, press, look, settle };
}

/** First words of the rows of the table. */
const shown = ({ text }: FakeScreen) =>
  [...text.matchAll(/^>?(\S+) .*[KM]?i?B +[\d.]+% +[\d.]+ [KM]?i?B +[\d.]+% +\d+/gm)].map(([, name]) => name).join(' ');

test('keys sort, turn threads, pause and mark', async (t) => {
  const { capture, screen, press, look, settle } = start(t);
  await settle();
  assert.equal(shown(screen), 'main load serve walk <stack');
  assert.match(screen.text, /_Total_/);
  press('o');
  assert.match(screen.text, /_Own_/);
  assert.equal(shown(screen), 'load serve <stack main walk');
  press('a');
  assert.match(screen.text, /_Allocs_/);
  press('t', 'm', '>');
  assert.match(screen.text, /TID 101 {2}Thread 2 of 3 \(walker\)/);
  assert.match(screen.text, /M Merge/);
  press('left', 'left');
  assert.match(screen.text, /TID 102 {2}Thread 3 of 3 \(worker\)/);
  press('m', 'space');
  assert.match(screen.text, /Status Table updates paused.*SPACE Unpause/s);
  capture.set('A', 1, 1);
  await look();
  assert.match(screen.text, /Samples 2 .*^>main +7\.000 MiB/ms);
  press('space', 'S-m', 'd');
  assert.match(screen.text, /difference since 3\.0 s.*Nothing is in use/s);
  press('d', 'l');
  assert.match(screen.text, /leak candidates/);
});

test('clicks on headings, buttons, rows and processes; the wheel', async (t) => {
  const { screen, model, settle } = start(t);
  await settle();
  screen.clickOn('Own ');
  assert.match(screen.text, /_Own_/);
  screen.clickOn('A Allocs');
  assert.match(screen.text, /_Allocs_/);
  screen.clickOn('M Unmerge');
  screen.clickOn('> Next');
  assert.match(screen.text, /Thread 2 of 3/);
  screen.clickOn('< Prev');
  assert.match(screen.text, /Thread 1 of 3/);
  screen.clickOn('M Merge');
  screen.clickOn('Pause');
  assert.match(screen.text, /Table updates paused/);
  screen.clickOn('Unpause');
  screen.clickOn('walk ');
  assert.match(screen.text, /^>walk/m);
  screen.turnWheel(-1);
  assert.match(screen.text, /^>load/m);
  screen.clickOn('102 ');
  assert.match(screen.text, /PID 102 {2}CMD/);
  assert.equal(shown(screen), 'serve main');
  model.data.commandLine = `./server ${'x'.repeat(80)} last`;
  screen.clickOn('CMD ./server');
  assert.match(screen.text, /CMD …x+ last/);
  screen.click(79, 2);
  assert.equal(model.process?.withChildren, false, 'nothing is there');
});

test('a process, one with its children, or all', async (t) => {
  const { screen, press, settle } = start(t);
  await settle();
  press('p', 'down');
  assert.match(screen.text, /enter only this {2}b with its children {2}x all/);
  press('enter');
  assert.match(screen.text, /PID 102 {2}CMD/);
  press('p', 'b');
  assert.match(screen.text, /PID 100 and its children {2}CMD/);
  press('p', 'x');
  assert.match(screen.text, /PID 100 and 1 more {2}CMD/);
  press('p', 'q');
  assert.doesNotMatch(screen.text, /only this/);
});

test('a filter is typed', async (t) => {
  const { screen, press, settle } = start(t);
  await settle();
  press('/', 'w', 'x', 'backspace', 'a', 'q');
  assert.match(screen.text, /Filter .*: waq█/);
  press('backspace', 'enter');
  assert.equal(shown(screen), 'walk');
  assert.match(screen.text, /filter: wa/);
  press('/', 'escape');
  assert.equal(shown(screen), 'walk');
});

test('callers with source lines, help, a flame graph and a snapshot', async (t) => {
  const { screen, press, settle } = start(t);
  await settle();
  press('down', 'enter');
  assert.match(screen.text, /▾ load.*called by.*main.*text 20/s);
  press('q');
  assert.match(screen.text, /^>load/m);
  press('?');
  assert.match(screen.text, /ctrl\+z +suspend/);
  press('q');
  assert.match(screen.text, /^>load/m);
  Object.assign(screen, { rows: 20 });
  press('?');
  assert.match(screen.text, /^any key: more$/m);
  press('q');
  assert.match(screen.text, /^q, esc +quit.*\n(.*\n)*any key: back$/m);
  press('q');
  Object.assign(screen, { rows: 24 });
  press('f');
  await settle();
  assert.match(screen.text, /Status wrote \/tmp\/graph\.html/);
  press('s');
  await settle();
  assert.match(screen.text, /Status wrote \/tmp\/snapshot\.db/);
});

test('a flame graph that can not be written is no end', async (t) => {
  const writeFlameGraph = () => Promise.reject(new Error('no space left'));
  const { screen, press, settle } = start(t, { writeFlameGraph });
  await settle();
  press('f');
  await settle();
  assert.match(screen.text, /Status no space left/);
});

test('the end of the recording leaves the last state, and keys that still work', async (t) => {
  const { capture, screen, press, end, look, settle } = start(t);
  await settle();
  capture.end();
  await look();
  assert.match(screen.text, /Status Remote has disconnected.*^>load +5\.000 MiB/ms);
  press('o');
  assert.match(screen.text, /_Own_/);
  press('escape');
  assert.equal(await end, 'quit');
});

test('a recording that has ended is replayed', async (t) => {
  let replayed = 0;
  let capture: LiveCapture;
  const openReplay = () => {
    replayed++;
    const reader = capture.replay();
    t.after(() => reader.close());
    const replay = new Replay(reader, 65_536);
    return { replay, look: () => reader.at(replay.momentNs) };
  };
  const started = start(t, { openReplay });
  const { screen, press, look, settle, end } = started;
  capture = started.capture;
  await settle();
  press('r');
  assert.equal(replayed, 0, 'there is none of what goes on');
  capture.addIntervals();
  capture.end();
  await look();
  assert.match(screen.text, /Remote has disconnected/);
  press('r');
  assert.match(screen.text, /Duration 0\.00 of 3\.50 seconds.*Status replay at 65500×.*Nothing is in use/s);
  press('.');
  assert.match(screen.text, /Duration 0\.50 of 3\.50 seconds.*Status replay paused.*^>load +4\.000 MiB/ms);
  press('.', '.', '.', '-', '-', '+');
  assert.match(screen.text, /Duration 2\.00 of 3\.50 seconds.*Status replay paused at 32800×/s);
  screen.clickOn(', Back');
  assert.match(screen.text, /Duration 1\.50 of/);
  press('[', '[', ']');
  assert.match(screen.text, /Duration 1\.00 of/);
  press('space');
  const limit = Date.now() + 30_000;
  while (!screen.text.includes('the replay has ended') && Date.now() < limit)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.match(screen.text, /Duration 3\.50 of 3\.50 seconds.*the replay has ended.*^>load +5\.000 MiB/ms);
  press('space');
  assert.match(screen.text, /Duration 0\.00 of/);
  assert.equal(replayed, 1);
  press('q');
  await end;
});

test('what can not be replayed says why', async (t) => {
  let reason = 'it has no intervals';
  const openReplay = () => {
    throw new Error(reason);
  };
  const { capture, screen, press, look, settle } = start(t, { openReplay });
  await settle();
  capture.end();
  await look();
  press('r');
  assert.match(screen.text, /Status it has no intervals/);
  reason = 'still none';
  screen.clickOn('R Replay');
  assert.match(screen.text, /Status still none/);
});

test('a connection that is lost', async (t) => {
  const { screen, settle } = start(t, { next: async () => null });
  await settle();
  assert.match(screen.text, /Remote has disconnected/);
  assert.match(screen.text, /PID \?\?\?/);
});

test('quits, is interrupted, is suspended; the terminal is given back', async (t) => {
  for (const [key, expected] of [
    ['q', 'quit'],
    ['escape', 'quit'],
    ['C-c', 'interrupt'],
  ] as const) {
    const { screen, end, press } = start(t);
    press('C-z');
    assert.deepEqual([screen.suspended, screen.closed], [1, 0]);
    press(key);
    assert.equal(await end, expected);
    assert.equal(screen.closed, 1);
  }
});

test('it is closed from outside', async (t) => {
  const { screen, end } = start(t, { closed: Promise.resolve() });
  assert.equal(await end, 'quit');
  assert.equal(screen.closed, 1);
});

test('what can not be read any more ends it with the terminal given back', async (t) => {
  const { screen, end } = start(t, { next: () => Promise.reject(new Error('gone')) });
  await assert.rejects(end, /gone/);
  assert.equal(screen.closed, 1);
});

test('the output of the program, as it comes', async (t) => {
  const output: string[] = [];
  let grow: () => void = () => undefined;
  const onOutput = (listener: () => void) => {
    grow = listener;
  };
  const { screen, settle, end, press } = start(t, { output, onOutput });
  await settle();
  output.push('hello \x1b]0;title\x07');
  grow();
  while (!screen.text.includes('hello')) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.match(screen.text, /── Output ──.*^hello \\x1b\]0;title\\x07/ms);
  press('q');
  await end;
});
