/** `mp tree` on a terminal, as a person sees it: tmux is the terminal. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { smallCapture } from '../unit/helpers/capture-fixture.ts';
import { cannotFind, MP, scratchFolder } from './helpers.ts';
import { type Terminal, terminal } from './terminal.ts';

function start(t: TestContext, columns: number, rows: number): Terminal {
  const path = join(scratchFolder(t), 'capture.db');
  smallCapture(path);
  const shell = terminal(t, columns, rows);
  shell.press(`${MP} tree ${path}; echo ended with $?`, 'Enter');
  return shell;
}

describe('mp tree on a terminal', { skip: cannotFind('tmux') }, () => {
  for (const [columns, rows] of [
    [200, 50],
    [80, 24],
  ] as const) {
    test(`walks, opens, closes and ends at ${columns}x${rows}`, async (t) => {
      const { press, shows } = start(t, columns, rows);
      const first = await shows('q quit');
      assert.match(first, /3\.005 MiB 100\.00% +62 ▾ all/);
      assert.match(first, /▾ main {2}\S*main\.c:10/);
      assert.match(first, /high watermark, losses: none/);
      press('Down');
      await shows(/Location +\/src\/app\/main\.c:10/);
      press('Left');
      await shows('▸ main');
      press('Enter');
      await shows('▾ main');
      press('i');
      await shows('i show imports');
      press('q');
      const last = await shows('ended with 0');
      assert.doesNotMatch(last, /▾|q quit/, 'the terminal is as it was');
    });
  }

  test('is suspended and goes on', async (t) => {
    const { press, shows } = start(t, 100, 30);
    await shows('q quit');
    press('Down', 'C-z');
    assert.doesNotMatch(await shows(/[Ss]topped/), /q quit/);
    press('fg', 'Enter');
    await shows(/Location +\/src\/app\/main\.c:10/);
    press('q');
    assert.doesNotMatch(await shows(/^\S+ fg$/m), /q quit/);
  });

  test('ends by the signal that ends it, with the terminal as it was', async (t) => {
    const folder = scratchFolder(t);
    const [path, pidFile] = [join(folder, 'capture.db'), join(folder, 'pid')];
    smallCapture(path);
    const { press, shows } = terminal(t, 100, 30);
    for (const [signal, status] of [
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      press(
        `sh -c 'echo $$ > ${pidFile}; exec ${MP} tree ${path}'; echo ended with $?; stty -a | grep -wo icanon`,
        'Enter',
      );
      await shows('q quit');
      process.kill(Number(readFileSync(pidFile, 'utf8')), signal);
      assert.doesNotMatch(await shows(new RegExp(`ended with ${status}\\s+icanon`)), /▾|q quit/);
      press('clear', 'Enter');
    }
  });
});
