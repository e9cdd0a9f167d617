import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Command } from 'commander';
import { register } from '../../../src/cli/commands/transform.ts';
import { FORMATS } from '../../../src/report/transform/formats.ts';
import type { Output } from '../../../src/util/output.ts';
import { CaptureFixture, emptyCapture, smallCapture } from '../helpers/capture-fixture.ts';
import { temporaryFolder } from '../report/command.ts';

interface Ran {
  out: Buffer;
  err: string;
}

/** Runs the command with stdout being a terminal or not. */
async function transform(args: string[], isTTY = false): Promise<Ran> {
  const pieces: Buffer[] = [];
  const ran = { out: Buffer.alloc(0), err: '' };
  const output: Output = {
    out: (text) => pieces.push(Buffer.from(text as string)),
    err: (text) => {
      ran.err += text;
    },
    isTTY,
    columns: 120,
    color: false,
  };
  const program = new Command('mp').exitOverride();
  register(program, output);
  for (const command of program.commands)
    command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: output.out });
  try {
    await program.parseAsync(['transform', ...args], { from: 'user' });
  } finally {
    ran.out = Buffer.concat(pieces);
  }
  return ran;
}

function captureIn(t: TestContext, build: (path: string) => void = smallCapture): string {
  const path = join(temporaryFolder(t), 'mp-app.100.db');
  build(path);
  return path;
}

test('on a terminal, a file beside the capture, and how to look at it', async (t) => {
  const path = captureIn(t);
  const names: Record<string, string> = {
    gprof2dot: 'mp-gprof2dot-app.100.json',
    csv: 'mp-csv-app.100.csv',
    speedscope: 'mp-speedscope-app.100.speedscope.json',
    pprof: 'mp-pprof-app.100.pb.gz',
    collapsed: 'mp-collapsed-app.100.collapsed.txt',
    massif: 'mp-massif-app.100.massif.out',
    parquet: 'mp-parquet-app.100.parquet',
  };
  assert.deepEqual(Object.keys(names), Object.keys(FORMATS));
  for (const [format, name] of Object.entries(names)) {
    const file = join(dirname(path), name);
    const { out, err } = await transform([format, path], true);
    assert.equal(out.length, 0);
    assert.equal(err.split('\n')[0], `Wrote ${file}`);
    if (format !== 'csv') assert.match(err, new RegExp(`^To look at it: .*${name}`, 'm'));
    const message = `File already exists, will not overwrite without --force: ${file}`;
    await assert.rejects(transform([format, path], true), { name: 'UserError', message, exitCode: 1 });
    const first = readFileSync(file);
    writeFileSync(file, 'old');
    await transform([format, path, '-f'], true);
    assert.deepEqual(readFileSync(file), first);
  }
});

test('into a pipe, and with -o -, the format itself and nothing else', async (t) => {
  const path = captureIn(t);
  for (const format of Object.keys(FORMATS)) {
    const piped = await transform([format, path]);
    assert.ok(piped.out.length > 0 && piped.err === '', format);
    assert.deepEqual((await transform([format, path, '-o', '-'])).out, piped.out);
    const file = join(dirname(path), `${format}.out`);
    await transform([format, path, '-o', file]);
    assert.deepEqual(readFileSync(file), piped.out);
    if (FORMATS[format]!.isBinary) continue;
    assert.deepEqual((await transform([format, path, '-o', '-'], true)).out, piped.out);
  }
  assert.ok(gunzipSync((await transform(['pprof', path])).out).length > 100);
});

test('binary formats are not written to a terminal', async (t) => {
  const path = captureIn(t);
  for (const format of ['pprof', 'parquet'])
    await assert.rejects(transform([format, path, '-o', '-'], true), {
      name: 'UserError',
      message: `${format} is not for a terminal. Write it to a file with -o FILE, or redirect stdout.`,
    });
});

test('formats are found in upper case, too; an unknown one is a usage error that names them', async (t) => {
  const path = captureIn(t);
  assert.match(
    (await transform(['CSV', path])).out.toString(),
    /^allocator,num_allocations,size,tid,thread_name,stack_trace/,
  );
  for (const format of ['svg', 'constructor'])
    await assert.rejects(transform([format, path]), {
      name: 'UserError',
      message: `Format not supported: ${format}. It must be one of ${Object.keys(FORMATS).join(', ')}.`,
      exitCode: 2,
    });
});

test('views and parts reach the format', async (t) => {
  const path = captureIn(t);
  const lines = async (...options: string[]) =>
    (await transform(['collapsed', path, ...options])).out.toString().trimEnd().split('\n');
  assert.deepEqual(await lines('--leaks'), ['main;load 400', 'main;load;strdup 96', 'main;handler 64']);
  assert.deepEqual(await lines('--leaks', '--no-native'), ['main;load 400', 'main;load;strdup 96', 'handler 64']);
  assert.deepEqual(await lines('--temporary-allocations'), ['main;load 200', 'main;load;strdup 640']);
  assert.deepEqual(await lines('--temporary-allocation-threshold', '0'), ['main;load 200']);
  assert.deepEqual(await lines('--all', '--thread', '100', '--count', 'allocations'), [
    'main;load 10',
    '<stack trace unavailable> 1',
    'main;handler 2',
  ]);
  assert.deepEqual(await lines('--leaks', '--split-threads', '--pid', '100', '--thread', '101'), [
    'worker (101);main;load;strdup 96',
  ]);
});

test('options that mean nothing in a format are refused', async (t) => {
  const path = captureIn(t);
  const wrong: [string[], RegExp][] = [
    [['csv', '--count', 'bytes'], /^--count has no meaning for csv\.$/],
    [['massif', '--split-threads'], /^massif can't tell threads apart/],
    [['gprof2dot', '--split-threads'], /^gprof2dot can't tell threads apart/],
    [['massif', '--all'], /^massif shows what is live at a moment/],
  ];
  for (const [[format, ...options], message] of wrong)
    await assert.rejects(transform([format!, path, ...options]), { name: 'UserError', message, exitCode: 2 });
  for (const format of ['csv', 'pprof', 'parquet']) await transform([format, path, '--split-threads']);
  await assert.rejects(transform(['collapsed', path, '--count', 'frees']), { name: 'CommanderError' });
});

test('a capture without allocations: the sentence, and no file', async (t) => {
  const path = captureIn(t, emptyCapture);
  for (const format of Object.keys(FORMATS)) {
    const file = join(dirname(path), 'x');
    assert.match(
      (await transform([format, path, '-o', file], true)).out.toString(),
      /^No allocations were recorded\.$/m,
    );
    assert.ok(!existsSync(file));
  }
});

test('a full disk, a folder that is not there and a damaged capture are one sentence', async (t) => {
  const path = captureIn(t);
  for (const format of Object.keys(FORMATS)) {
    await assert.rejects(transform([format, path, '-f', '-o', '/dev/full']), {
      name: 'UserError',
      message: 'Cannot write /dev/full: no space left on device',
    });
  }
  await assert.rejects(transform(['csv', path, '-o', '/no/such/folder/x']), {
    message: 'Cannot write /no/such/folder/x: no such file or directory',
  });
  const damaged = captureIn(t, (file) => {
    const fixture = new CaptureFixture(file);
    const process = fixture.process({ pid: 1 });
    const thread = fixture.thread(process, 1, 'x');
    fixture.insert('stack', { id: 1, parent_id: 2, frame_id: fixture.frame({ function: 'f' }), depth: 2 });
    fixture.site({ process, thread, allocator: 'malloc', stack: 1, all: [1, 1], peak: [1, 1] });
    fixture.close();
  });
  const file = join(dirname(damaged), 'x.csv');
  const message = 'The capture is damaged: stack 1 does not lead to a root.';
  await assert.rejects(transform(['csv', damaged, '-o', file]), { name: 'UserError', message });
  assert.ok(!existsSync(file), 'what was begun is removed');
  writeFileSync(file, 'old');
  await assert.rejects(transform(['csv', damaged, '-f', '-o', file]), { name: 'UserError', message });
  assert.equal(readFileSync(file, 'utf8'), 'old');
});

test('a file that exists is a sentence, however much there is to write', async (t) => {
  const path = captureIn(t, (file) => {
    const fixture = new CaptureFixture(file);
    fixture.db.transaction(() => {
      const process = fixture.process({ pid: 1 });
      const thread = fixture.thread(process, 1, 'x');
      const stack = fixture.stack(
        ...Array.from({ length: 100 }, (_, i) => fixture.frame({ function: `f${i}`.repeat(20) })),
      );
      for (let i = 0; i < 200; i++)
        fixture.site({ process, thread, allocator: `a${i}`, stack, all: [1, 1], peak: [1, 1] });
    });
    fixture.close();
  });
  const file = join(dirname(path), 'x.csv');
  await transform(['csv', path, '-o', file]);
  assert.ok(readFileSync(file).length > 1_000_000);
  await assert.rejects(transform(['csv', path, '-o', file]), { name: 'UserError', message: /^File already exists/ });
});

test('gprof2dot: says where to get what is missing', async (t) => {
  const path = captureIn(t);
  const before = process.env.PATH;
  t.after(() => {
    process.env.PATH = before;
  });
  const file = join(dirname(path), 'a graph.json');
  process.env.PATH = dirname(path);
  const { err } = await transform(['gprof2dot', path, '-o', file]);
  assert.equal(
    err,
    `Wrote ${file}\nTo look at it: gprof2dot -f json '${file}' | dot -Tpng -o graph.png\n` +
      'gprof2dot is not installed: https://github.com/jrfonseca/gprof2dot\n' +
      'dot is not installed: https://graphviz.org/download/\n',
  );
  for (const tool of ['gprof2dot', 'dot']) writeFileSync(join(dirname(path), tool), '');
  assert.doesNotMatch((await transform(['gprof2dot', path, '-f', '-o', file])).err, /not installed/);
});

test('help has a line for each format, and examples', async () => {
  let help = '';
  const program = new Command('mp').exitOverride();
  register(program);
  for (const command of program.commands)
    command.exitOverride().configureOutput({
      writeOut: (text) => {
        help += text;
      },
    });
  await assert.rejects(program.parseAsync(['transform', '--help'], { from: 'user' }), {
    code: 'commander.helpDisplayed',
  });
  for (const format of Object.keys(FORMATS)) assert.match(help, new RegExp(`^  ${format} +\\S`, 'm'));
  assert.match(help, /^Examples:\n {2}mp transform /m);
});
