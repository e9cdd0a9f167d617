import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { streamOutput } from '../../../src/util/output.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const SILENT = { write: () => undefined, on: () => undefined };

/** Writes a report in parts to a file; how many parts were asked for. */
function write(fd: number, parts: (string | Uint8Array)[]): number {
  let asked = 0;
  function* report() {
    for (const part of parts) {
      asked++;
      yield part;
    }
  }
  streamOutput({ ...SILENT, fd }, SILENT, {}).outAll!(report());
  return asked;
}

function fifoIn(t: TestContext): string {
  const path = join(temporaryFolder(t), 'fifo');
  execFileSync('mkfifo', [path]);
  return path;
}

test('parts of a report are texts or bytes', (t) => {
  const path = join(temporaryFolder(t), 'file');
  const file = openSync(path, 'w');
  assert.equal(write(file, ['one ', new Uint8Array([0xff, 0x00]), 'ü']), 3);
  closeSync(file);
  assert.deepEqual(readFileSync(path), Buffer.from([...Buffer.from('one '), 0xff, 0x00, ...Buffer.from('ü')]));
});

test('a reader that goes away is asked for no more, a full disk is a sentence', (t) => {
  const path = fifoIn(t);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  closeSync(reader);
  assert.equal(write(writer, ['a', 'b', 'c']), 1);
  closeSync(writer);
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  assert.throws(() => write(full, ['a']), {
    name: 'UserError',
    message: 'cannot write the output: no space left on device',
  });
});

test('a reader that is slower gets everything', async (t) => {
  const path = fifoIn(t);
  const reader = spawn('sh', ['-c', 'sleep 0.2; head -c 400000 | wc -c'], {
    stdio: [openSync(path, constants.O_RDWR), 'pipe', 'ignore'],
  });
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  let count = '';
  reader.stdout!.on('data', (text) => {
    count += text;
  });
  // more than a pipe holds
  assert.equal(write(writer, Array(40).fill('x'.repeat(10_000))), 40);
  closeSync(writer);
  await once(reader, 'close');
  assert.equal(count.trim(), '400000');
});
