import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { splitReports, TerminalInput } from '../../../src/tui/terminal-input.ts';

test('reports of the mouse stand alone, other input stays as it is', () => {
  assert.deepEqual(splitReports('\x1b[<0;5;7M\x1b[<0;5;7m>q'), ['\x1b[<0;5;7M', '\x1b[<0;5;7m', '>q']);
  assert.deepEqual(splitReports('\x1b[A\x1b[<64;1;1Mx\x1b[<64;1;1M'), [
    '\x1b[A',
    '\x1b[<64;1;1M',
    'x',
    '\x1b[<64;1;1M',
  ]);
  assert.deepEqual(splitReports('\x1b'), ['\x1b']);
  assert.deepEqual(splitReports('\x1b[<0;5'), ['\x1b[<0;5'], 'not whole');
});

test('bytes pass as they are, until it is closed', async () => {
  const terminal = Object.assign(new PassThrough(), { isRaw: false, setRawMode: () => undefined });
  const input = new TerminalInput(terminal as never);
  const read: string[] = [];
  input.on('data', (bytes: Buffer) => read.push(bytes.toString('latin1')));
  terminal.write('é\x1b[<0;5;7Mé');
  await new Promise(setImmediate);
  assert.deepEqual(read, ['\xc3\xa9', '\x1b[<0;5;7M', '\xc3\xa9']);
  input.close();
  terminal.write('more');
  await new Promise(setImmediate);
  assert.equal(read.length, 3);
});
