import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lossLines } from '../../../../src/report/losses.ts';
import type { View } from '../../../../src/report/selection.ts';
import { CaptureFixture, smallCapture } from '../../helpers/capture-fixture.ts';
import { openCapture } from '../command.ts';
import { pythonCapture } from '../python-capture.ts';
import { exported, readProfile } from './read-exports.ts';

type Read = ReturnType<typeof readProfile>;

/** `function:line` of each line of each location of a sample. */
function locationsOf({ profile, text }: Read, sample: number): string[][] {
  return profile.sample[sample]!.locationId.map((id) =>
    profile.location[Number(id) - 1]!.line.map((line) => {
      const { name } = profile.function[Number(line.functionId) - 1]!;
      return `${text(name)}:${line.line}`;
    }),
  );
}

function labelsOf({ profile, text }: Read, sample: number): Record<string, string> {
  return Object.fromEntries(profile.sample[sample]!.label.map(({ key, str }) => [text(key), text(str)]));
}

/** A function with two others inlined in it, called from a line of Python; two files of one path. */
function inlinedCapture(path: string): void {
  const fixture = new CaptureFixture(path);
  fixture.meta({ started_at: '2026-01-02T03:04:05.678Z', ended_at: '2026-01-02T03:04:07.678Z', command_line: './app' });
  fixture.losses({ ring_dropped: 7 });
  const process = fixture.process({ pid: 9, comm: 'app', executable: '/app', cgroup: '/user.slice/x' });
  const thread = fixture.thread(process, 9, 'main thread');
  fixture.insert('module', { id: 1, path: '/lib.so', build_id: 'aa01' });
  fixture.insert('module', { id: 2, path: '/lib.so', build_id: 'bb02' });
  fixture.insert('module', { id: 3, path: '/app', build_id: 'cc03' });
  const stack = fixture.stack(
    fixture.frame({ function: 'main', module: 3, file: 'main.c', line: 1 }),
    fixture.frame({ function: 'line', language: 'python', file: 'x.py', line: 2 }),
    fixture.frame({ function: 'outer', module: 1, file: 'a.c', line: 30 }),
    fixture.frame({ function: 'middle', module: 1, file: 'a.c', line: 20, inlined: true }),
    fixture.frame({ function: 'inner', module: 1, file: 'b.c', line: 10, inlined: true }),
  );
  const other = fixture.stack(fixture.frame({ module: 2 }));
  const site = { process, thread, allocator: 'malloc' };
  fixture.site({ ...site, stack, all: [5, 70], peak: [4, 60], live: [3, 50], temporary: { 0: [1, 10] } });
  fixture.site({ ...site, stack: other, all: [1, 6e12], peak: [1, 6e12] });
  fixture.close();
}

test('inlined functions share the location of the one that they are inlined in', async (t) => {
  const read = readProfile(await exported('pprof', openCapture(t, inlinedCapture)));
  assert.deepEqual(locationsOf(read, 0), [['inner:10', 'middle:20', 'outer:30'], ['line:2'], ['main:1']]);
  assert.deepEqual(locationsOf(read, 1), [['[lib.so]:0']]);
  assert.deepEqual(read.profile.sample[1]!.value.map(Number), [1, 6e12]);
});

test('mappings: the program first, files of one path apart, each with its build id', async (t) => {
  const { profile, text } = readProfile(await exported('pprof', openCapture(t, inlinedCapture)));
  const mappings = profile.mapping.map((mapping) => [text(mapping.filename), text(mapping.buildId)]);
  assert.deepEqual(mappings[0], ['/app', 'cc03']);
  assert.deepEqual(mappings.slice(1).sort(), [
    ['/lib.so', 'aa01'],
    ['/lib.so', 'bb02'],
  ]);
  assert.deepEqual(
    profile.location.map(({ mappingId, line }) => [Number(line[0]!.line), mappings[Number(mappingId) - 1]?.[1]]),
    [
      [10, 'aa01'],
      [2, undefined],
      [1, 'cc03'],
      [0, 'bb02'],
    ],
  );
  assert.ok(profile.mapping.every((mapping) => mapping.hasFunctions && mapping.hasLineNumbers));
});

test('labels are texts', async (t) => {
  const read = readProfile(await exported('pprof', openCapture(t, inlinedCapture)));
  assert.deepEqual(labelsOf(read, 0), {
    pid: '9',
    comm: 'app',
    thread: 'main thread',
    tid: '9',
    allocator: 'malloc',
    language: 'python',
    cgroup: '/user.slice/x',
  });
  assert.equal(labelsOf(read, 1).language, 'native');
  const python = readProfile(await exported('pprof', openCapture(t, pythonCapture)));
  const languages = python.profile.sample.map((_, i) => labelsOf(python, i).language);
  assert.deepEqual(languages.sort(), ['native', 'python', 'python', 'python', 'python', 'python']);
});

test('times, and comments with the losses', async (t) => {
  const capture = openCapture(t, inlinedCapture);
  const { profile, text } = readProfile(await exported('pprof', capture));
  assert.equal(profile.timeNanos, BigInt(Date.parse('2026-01-02T03:04:05.678Z')) * 1_000_000n);
  assert.equal(Number(profile.durationNanos), 2e9);
  const comments = profile.comment.map(text);
  assert.match(comments[0]!, /^mp .*: \.\/app$/);
  assert.match(comments[1]!, /^view: high watermark/);
  assert.deepEqual(comments.slice(2), lossLines({ ring_dropped: 7 }, Number.POSITIVE_INFINITY));
  assert.match(comments[2]!, /^losses: 7 ring_dropped/);
});

test('sample types say whether memory is in use or was allocated', async (t) => {
  const capture = openCapture(t, smallCapture);
  const types = async (view: View) => {
    const { profile, text } = readProfile(await exported('pprof', capture, { view }));
    const names = profile.sampleType.map(({ type, unit }) => `${text(type)}/${text(unit)}`);
    assert.equal(`${text(profile.defaultSampleType)}/bytes`, names[1]);
    return names.join(' ');
  };
  assert.equal(await types('high_watermark'), 'inuse_objects/count inuse_space/bytes');
  assert.equal(await types('leaks'), 'inuse_objects/count inuse_space/bytes');
  assert.equal(await types('allocations'), 'alloc_objects/count alloc_space/bytes');
  assert.equal(await types('temporary_allocations'), 'alloc_objects/count alloc_space/bytes');
});
