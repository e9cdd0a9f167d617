/** Every report on a capture with Python frames, and with the options that choose among its frames. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Command } from 'commander';
import { register as flamegraph } from '../../../src/cli/commands/flamegraph.ts';
import { register as leaks } from '../../../src/cli/commands/leaks.ts';
import { register as stats } from '../../../src/cli/commands/stats.ts';
import { register as summary } from '../../../src/cli/commands/summary.ts';
import { register as table } from '../../../src/cli/commands/table.ts';
import type { Leak } from '../../../src/report/leaks.ts';
import type { FrameOptions } from '../../../src/report/shown-stacks.ts';
import type { SummaryRow } from '../../../src/report/summary.ts';
import type { TableRow } from '../../../src/report/table.ts';
import type { Output } from '../../../src/util/output.ts';
import { openCapture, runCommand, temporaryFolder } from './command.ts';
import { draw as drawCapture, drawnLines, drawnOwn } from './drawn.ts';
import { assertGolden } from './golden.ts';
import { INTERPRETER, pythonCapture } from './python-capture.ts';

type Register = (program: Command, output?: Output) => void;

const REPORTS: Record<string, Register> = { summary, stats, leaks, table };

function captureIn(t: TestContext): string {
  const path = join(temporaryFolder(t), 'mp-app.100.db');
  pythonCapture(path);
  return path;
}

for (const columns of [80, 120]) {
  for (const [name, register] of Object.entries(REPORTS)) {
    test(`${name} at ${columns} columns`, async (t) => {
      const { out } = await runCommand(register, [name, captureIn(t)], columns);
      for (const line of out.split('\n').slice(1)) assert.ok([...line].length <= columns, line);
      assertGolden(`python-${name}-${columns}`, out.replace(/^.*mp-app/, 'mp-app'));
    });
  }
}

async function json(t: TestContext, name: string, ...options: string[]) {
  return JSON.parse((await runCommand(REPORTS[name]!, [name, captureIn(t), '--json', ...options])).out);
}

const EITHER = [[], ['--no-native'], ['--native-machinery']];

test('a row of the table is a Python line, whichever frames are shown', async (t) => {
  for (const options of EITHER) {
    const rows: TableRow[] = (await json(t, 'table', ...options)).rows;
    assert.deepEqual(
      rows.map((row) => [row.bytes, row.allocator, row.function, row.file, row.line, row.module]),
      [
        [40_000, 'realloc', 'Store.grow', '/srv/app/store.py', 12, null],
        [24_000, 'malloc', 'pack', '/srv/app/app.py', 20, null],
        [9_000, 'malloc', 'work', '/srv/app/app.py', 40, null],
        [2_000, 'malloc', 'PyUnicode_New', null, null, INTERPRETER],
        [500, 'malloc', 'Doc.__init__', '/srv/app/doc.py', 5, null],
      ],
    );
  }
});

test('so is a location of the statistics; modules are those that called the allocator', async (t) => {
  for (const options of EITHER) {
    const document = await json(t, 'stats', ...options);
    assert.deepEqual(document.top_allocations_by_size.slice(0, 2), [
      { location: 'Store.grow:/srv/app/store.py:12', size: 40_000 },
      { location: 'pack:/srv/app/app.py:20', size: 24_000 },
    ]);
    const modules = document.top_modules_by_allocation_size.map((row: { module: string }) => row.module);
    const libz = '/usr/lib/x86_64-linux-gnu/libz.so.1.2.13';
    assert.deepEqual(modules, options[0] === '--no-native' ? [INTERPRETER] : [INTERPRETER, libz]);
  }
});

test('own memory is the Python line’s, native functions below it only have totals', async (t) => {
  const rows = async (...options: string[]) => {
    const { locations } = await json(t, 'summary', ...options);
    return new Map((locations as SummaryRow[]).map((row) => [row.function, [row.total_bytes, row.own_bytes]]));
  };
  const folded = await rows();
  assert.deepEqual(folded.get('Store.grow'), [40_000, 40_000]);
  assert.deepEqual(folded.get('list_resize'), [40_000, 0]);
  assert.deepEqual(folded.get('zlib_compress'), [24_000, 0]);
  assert.deepEqual(folded.get('partial_call'), [500, 0]);
  assert.deepEqual(folded.get('PyUnicode_New'), [2_000, 2_000]);
  // Of native stacks, which keep all frames.
  assert.deepEqual(folded.get('Py_RunMain'), [2_000, 0]);
  assert.ok(!folded.has('_PyEval_EvalFrameDefault'));
  const own = [...folded.values()].reduce((sum, row) => sum + row[1]!, 0);
  assert.equal(own, 75_500);
  const whole = await rows('--native-machinery');
  assert.deepEqual(whole.get('_PyEval_EvalFrameDefault'), [73_500, 0]);
  assert.deepEqual(whole.get('PyObject_Vectorcall'), [29_000, 0]);
  const without = await rows('--no-native');
  assert.deepEqual(
    [...without.keys()].filter((name) => !['???', '_start'].includes(name)),
    [
      ...['<module>', 'Store.grow', 'pack', 'Thread._bootstrap', 'work'],
      ...['PyUnicode_New', 'Py_BytesMain', 'Py_RunMain', '__libc_start_call_main', '__libc_start_main_impl'],
      'Doc.__init__',
    ],
  );
});

test('leaks show Python frames among native ones; stacks that look alike are added up', async (t) => {
  const stacks = async (...options: string[]) =>
    ((await json(t, 'leaks', ...options)).leaks as Leak[]).map((leak) => [
      leak.bytes,
      leak.stack.map((frame) => frame.function ?? '?').join(' '),
    ]);
  const entry = '__libc_start_call_main __libc_start_main_impl _start';
  assert.deepEqual(await stacks(), [
    [24_000, `deflateInit2_ zlib_compress pack <module> ${entry}`],
    [9_000, 'PyBytes_FromStringAndSize work Thread._bootstrap start_thread clone3'],
    [8_000, `PyMem_Realloc list_resize Store.grow <module> ${entry}`],
    [500, `Doc.__init__ partial_call <module> ${entry}`],
    [400, `PyUnicode_New ? Py_RunMain Py_BytesMain ? ${entry}`],
  ]);
  assert.deepEqual(await stacks('--no-native'), [
    [24_000, 'pack <module>'],
    [9_000, 'work Thread._bootstrap'],
    [8_000, 'Store.grow <module>'],
    [500, 'Doc.__init__ <module>'],
    [400, `PyUnicode_New ? Py_RunMain Py_BytesMain ? ${entry}`],
  ]);
  const whole = await stacks('--native-machinery');
  assert.deepEqual(
    whole.map(([bytes]) => bytes),
    [20_000, 9_000, 8_000, 4_000, 500, 400],
  );
  assert.match(
    String(whole[0]![1]),
    /^deflateInit2_ zlib_compress cfunction_vectorcall_FASTCALL PyObject_Vectorcall pack /,
  );
});

test('what stacks that look alike leaked has the id of the first of them', async (t) => {
  const [pack] = (await json(t, 'leaks')).leaks as Leak[];
  const both = ((await json(t, 'leaks', '--native-machinery')).leaks as Leak[])
    .filter((leak) => leak.bytes === 20_000 || leak.bytes === 4_000)
    .map((leak) => leak.stack_id!);
  assert.equal(pack!.stack_id, Math.min(...both));
});

test('one of the two options, or none', async (t) => {
  const path = captureIn(t);
  for (const [name, register] of Object.entries({ ...REPORTS, flamegraph })) {
    await assert.rejects(runCommand(register, [name, path, '--no-native', '--native-machinery']), {
      name: 'CommanderError',
      message: /'--native-machinery' cannot be used with option '--no-native'/,
    });
  }
});

const draw = (t: TestContext, options: FrameOptions) => drawCapture(openCapture(t, pythonCapture), options);

test('the flame graph folds the interpreter and merges what then looks alike', async (t) => {
  const drawn = await draw(t, {});
  assert.equal(drawn.data.left_out, 'machinery');
  assert.deepEqual(drawnLines(drawn), [
    'all owner 75500',
    '  _start native 66500',
    '    __libc_start_main_impl native 66500',
    '      __libc_start_call_main native 66500',
    '        <module> python 40000',
    '          Store.grow python 40000',
    '            list_resize native 40000',
    '              PyMem_Realloc native 40000',
    '        <module> python 24000',
    '          pack python 24000',
    '            zlib_compress native 24000',
    '              deflateInit2_ native 24000',
    '        ??? native 2000',
    '          Py_BytesMain native 2000',
    '            Py_RunMain native 2000',
    '              ??? native 2000',
    '                PyUnicode_New native 2000',
    '        <module> python 500',
    '          partial_call native 500',
    '            Doc.__init__ python 500',
    '  clone3 native 9000',
    '    start_thread native 9000',
    '      Thread._bootstrap python 9000',
    '        work python 9000',
    '          PyBytes_FromStringAndSize native 9000',
  ]);
});

test('own values of the flame graph are those of the summary', async (t) => {
  for (const [options, args] of [
    [{}, []],
    [{ native: false }, ['--no-native']],
    [{ nativeMachinery: true }, ['--native-machinery']],
  ] as const) {
    const drawn = drawnOwn(await draw(t, options));
    const { locations } = await json(t, 'summary', ...args);
    const listed = (locations as SummaryRow[]).map((row) => [row.function, row.own_bytes] as const);
    assert.deepEqual([...drawn].sort(), listed.sort());
    assert.equal(drawn.get('Store.grow'), 40_000);
  }
});

test('… and hides native frames, or shows all of them', async (t) => {
  const without = await draw(t, { native: false });
  assert.equal(without.data.left_out, 'native');
  assert.deepEqual(drawnLines(without).filter((line) => / native /.test(line)).length, 8);
  assert.ok(drawnLines(without).includes('  <module> python 24000'));
  const whole = await draw(t, { nativeMachinery: true });
  assert.ok(!('left_out' in whole.data));
  assert.equal(drawnLines(whole).filter((line) => line.includes('_PyEval_EvalFrameDefault')).length, 3);
  assert.equal(whole.peak[0], 75_500);
});
