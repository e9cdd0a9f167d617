/** Every report on a capture with JavaScript frames, and with the options that choose among its frames. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Command } from 'commander';
import { register as leaks } from '../../../src/cli/commands/leaks.ts';
import { register as stats } from '../../../src/cli/commands/stats.ts';
import { register as summary } from '../../../src/cli/commands/summary.ts';
import { register as table } from '../../../src/cli/commands/table.ts';
import type { Leak } from '../../../src/report/leaks.ts';
import type { SummaryRow } from '../../../src/report/summary.ts';
import type { TableRow } from '../../../src/report/table.ts';
import type { Output } from '../../../src/util/output.ts';
import { openCapture, runCommand, temporaryFolder } from './command.ts';
import { draw, drawnLines, drawnOwn } from './drawn.ts';
import { assertGolden } from './golden.ts';
import { javascriptCapture, NODE } from './javascript-capture.ts';

type Register = (program: Command, output?: Output) => void;

const REPORTS: Record<string, Register> = { summary, stats, leaks, table };

function captureIn(t: TestContext): string {
  const path = join(temporaryFolder(t), 'mp-server.js.100.db');
  javascriptCapture(path);
  return path;
}

for (const columns of [80, 120]) {
  for (const [name, register] of Object.entries(REPORTS)) {
    test(`${name} at ${columns} columns`, async (t) => {
      const { out } = await runCommand(register, [name, captureIn(t)], columns);
      for (const line of out.split('\n').slice(1)) assert.ok([...line].length <= columns, line);
      assertGolden(`javascript-${name}-${columns}`, out.replace(/^.*mp-server/, 'mp-server'));
    });
  }
}

async function json(t: TestContext, name: string, ...options: string[]) {
  return JSON.parse((await runCommand(REPORTS[name]!, [name, captureIn(t), '--json', ...options])).out);
}

const EITHER = [[], ['--no-native'], ['--native-machinery']];

test('a row of the table is a line of the program; one of Node only where there is no other', async (t) => {
  for (const options of EITHER) {
    const rows: TableRow[] = (await json(t, 'table', ...options)).rows;
    assert.deepEqual(
      rows.map((row) => [row.bytes, row.allocator, row.function, row.file, row.line, row.module]),
      [
        [80_000, 'calloc', '(anonymous)', '/srv/app/server.js', 13, null],
        [12_000, 'malloc', 'pack', '/srv/app/app.mjs', 7, null],
        [10_000, 'malloc', 'resize', '/srv/app/app.mjs', 9, null],
        [9_000, 'mmap', 'async load', '/srv/app/app.mjs', 50, null],
        [3_000, 'malloc', 'run', '/srv/app/worker.js', 3, null],
        [2_000, 'malloc', 'v8::internal::V8::Initialize()', null, null, NODE],
        [500, 'malloc', 'processTimers', 'node:internal/timers', 523, null],
      ],
    );
  }
});

test('so is a location of the statistics; modules are those that called the allocator', async (t) => {
  for (const options of EITHER) {
    const document = await json(t, 'stats', ...options);
    assert.deepEqual(document.top_allocations_by_size.slice(0, 2), [
      { location: '(anonymous):/srv/app/server.js:13', size: 80_000 },
      { location: 'pack:/srv/app/app.mjs:7', size: 12_000 },
    ]);
    const modules = document.top_modules_by_allocation_size.map((row: { module: string }) => row.module);
    const vips = '/srv/app/node_modules/@img/sharp-libvips-linux-x64/lib/libvips-cpp.so.42';
    assert.deepEqual(modules, options[0] === '--no-native' ? [NODE] : [NODE, vips]);
  }
});

test('own memory is that of a line of the program, Node’s own lines and native functions below it have totals', async (t) => {
  const rows = async (...options: string[]) => {
    const locations: SummaryRow[] = (await json(t, 'summary', ...options)).locations;
    const own = locations.reduce((sum, row) => sum + row.own_bytes, 0);
    assert.equal(own, 116_500);
    return new Map(locations.map((row) => [row.function, [row.total_bytes, row.own_bytes]]));
  };
  const folded = await rows();
  assert.deepEqual(folded.get('Server.handle'), [80_000, 0]);
  assert.deepEqual(folded.get('FastBuffer'), [80_000, 0]);
  assert.deepEqual(folded.get('Builtins_ArrayMap'), [80_000, 0]);
  assert.deepEqual(folded.get('Builtins_TypedArrayConstructor'), [80_000, 0]);
  assert.deepEqual(folded.get('emit'), [80_000, 0]);
  assert.deepEqual(folded.get('pack'), [12_000, 12_000]);
  assert.deepEqual(folded.get('processTimers'), [500, 500]);
  assert.deepEqual(folded.get('push'), [3_000, 0]);
  assert.deepEqual(folded.get('run'), [3_000, 3_000]);
  // Only of the native stack, which keeps all its frames.
  assert.deepEqual(folded.get('node::Start(int, char**)'), [2_000, 0]);
  assert.ok(![...folded.keys()].some((name) => /Trampoline|JSEntry|Handler|uv_run|HandleApiCall/.test(name)));
  const whole = await rows('--native-machinery');
  assert.deepEqual(whole.get('Builtins_JSEntry'), [105_500, 0]);
  assert.deepEqual(whole.get('uv_run'), [80_500, 0]);
  const without = await rows('--no-native');
  assert.ok(![...without.keys()].some((name) => /Builtins_|sharp|deflate/.test(name)));
  assert.deepEqual(without.get('FastBuffer'), [80_000, 0]);
});

test('leaks show JavaScript frames among native ones; interpreted and compiled frames look alike', async (t) => {
  const stacks = async (...options: string[]) =>
    ((await json(t, 'leaks', ...options)).leaks as Leak[]).map((leak) => [
      leak.bytes,
      leak.stack.map((frame) => frame.function?.replace(/\(.*\)$/, '') || frame.function).join(' '),
    ]);
  const entry = '__libc_start_call_main __libc_start_main_impl _start';
  assert.deepEqual(await stacks(), [
    [
      80_000,
      'node::NodeArrayBufferAllocator::Allocate v8::internal::Builtin_ArrayBufferConstructor ' +
        'Builtins_TypedArrayConstructor FastBuffer alloc (anonymous) Builtins_ArrayMap Server.handle emit ' +
        entry,
    ],
    [10_000, `vips_malloc Pipeline::Execute resize (anonymous) executeUserEntryPoint ${entry}`],
    [9_000, `v8::internal::MemoryAllocator::AllocatePage async load ${entry}`],
    [3_000, 'v8::internal::Heap::Grow push run start_thread clone3'],
    [1_200, `deflateInit2_ void node:: processChunkSync pack (anonymous) executeUserEntryPoint ${entry}`],
    [400, `v8::internal::V8::Initialize node::NodeMainInstance::Run node::Start ${entry}`],
  ]);
  assert.deepEqual((await stacks('--no-native')).slice(0, 2), [
    [80_000, 'FastBuffer alloc (anonymous) Server.handle emit'],
    [10_000, 'resize (anonymous) executeUserEntryPoint'],
  ]);
  const whole = await stacks('--native-machinery');
  assert.deepEqual(
    whole.map(([bytes]) => bytes),
    [60_000, 20_000, 10_000, 9_000, 3_000, 1_200, 400],
  );
});

test('the flame graph has own colours for the program’s JavaScript and for Node’s', async (t) => {
  const drawn = await draw(openCapture(t, javascriptCapture), {});
  assert.equal(drawn.data.left_out, 'machinery');
  assert.deepEqual(drawnLines(drawn).slice(3, 15), [
    '      __libc_start_call_main native 113500',
    '        emit internal 80000',
    '          Server.handle javascript 80000',
    '            Builtins_ArrayMap native 80000',
    '              (anonymous) javascript 80000',
    '                alloc internal 80000',
    '                  FastBuffer internal 80000',
    '                    Builtins_TypedArrayConstructor native 80000',
    '                      v8::internal::Builtin_ArrayBufferConstructor(int, unsigned long*, v8::internal::Isolate*) native 80000',
    '                        node::NodeArrayBufferAllocator::Allocate(unsigned long) native 80000',
    '        executeUserEntryPoint internal 22000',
    '          (anonymous) javascript 12000',
  ]);
});

test('own values of the flame graph are those of the summary', async (t) => {
  for (const [options, args] of [
    [{}, []],
    [{ native: false }, ['--no-native']],
    [{ nativeMachinery: true }, ['--native-machinery']],
  ] as const) {
    const drawn = drawnOwn(await draw(openCapture(t, javascriptCapture), options));
    const listed = new Map<string, number>();
    for (const row of (await json(t, 'summary', ...args)).locations as SummaryRow[])
      listed.set(row.function, (listed.get(row.function) ?? 0) + row.own_bytes);
    assert.deepEqual([...drawn].sort(), [...listed].sort());
    assert.equal(drawn.get('processTimers'), 500);
    assert.equal(drawn.get('(anonymous)'), 80_000);
  }
});
