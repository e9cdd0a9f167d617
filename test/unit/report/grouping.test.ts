import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Grouping } from '../../../src/report/grouping.ts';
import type { Capture } from '../../../src/report/report.ts';
import { sortGroups, summarizeGroups } from '../../../src/report/summary-groups.ts';
import { tableJson, tableRows } from '../../../src/report/table.ts';
import { tablePage } from '../../../src/report/table-page.ts';
import { forkCapture } from '../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture } from './command.ts';
import { draw, drawnLines } from './drawn.ts';
import { EVIL, groupsCapture } from './groups-capture.ts';

/** [group, bytes, allocations, processes] */
function numbers(capture: Capture, by: Grouping, part = {}): [string, number, number, number][] {
  return summarizeGroups(capture, { ...HIGH_WATERMARK, ...part }, by).map((row) => [
    row.group,
    row.bytes,
    row.allocations,
    row.processes,
  ]);
}

test('by process: each image is a group, an exec another one of the same pid', (t) => {
  assert.deepEqual(numbers(openCapture(t, groupsCapture), 'process'), [
    ['11 gcc -c a.c', 1024, 5, 1],
    ['12 gcc -c b.c', 524, 4, 1],
    ['10 make all', 200, 2, 1],
    ['10 sh -c make', 100, 1, 1],
    ['15 (unknown)', 8, 1, 1],
    [`13 ${EVIL}`, 2, 2, 1],
  ]);
});

test('by command: processes of one name are one group', (t) => {
  assert.deepEqual(numbers(openCapture(t, groupsCapture), 'comm'), [
    ['gcc', 1548, 9, 2],
    ['make', 200, 2, 1],
    ['sh', 100, 1, 1],
    ['(unknown)', 8, 1, 1],
    [EVIL, 2, 2, 1],
  ]);
});

test('by cgroup: copies of one program in two are two groups, images of a process are one process', (t) => {
  assert.deepEqual(numbers(openCapture(t, groupsCapture), 'cgroup'), [
    ['/build/a', 1324, 8, 2],
    ['/build/b', 524, 4, 1],
    ['(unknown)', 8, 1, 1],
    [EVIL, 2, 2, 1],
  ]);
});

test('by thread and by allocator', (t) => {
  const capture = openCapture(t, groupsCapture);
  assert.deepEqual(
    numbers(capture, 'thread').map(([group, bytes]) => [group, bytes]),
    [
      ['11 gcc', 1024],
      ['12 gcc', 524],
      ['10 make', 200],
      ['10 sh', 100],
      ['15', 8],
      [`13 ${EVIL}`, 1],
      [`14 ${EVIL}`, 1],
    ],
  );
  assert.deepEqual(numbers(capture, 'allocator'), [
    ['malloc', 1810, 13, 5],
    ['calloc', 48, 2, 2],
  ]);
});

test('groups of a process, of a thread, of a view', (t) => {
  const capture = openCapture(t, groupsCapture);
  assert.deepEqual(numbers(capture, 'process', { pid: 10 }), [
    ['10 make all', 200, 2, 1],
    ['10 sh -c make', 100, 1, 1],
  ]);
  assert.deepEqual(numbers(capture, 'thread', { tid: 14 }), [[`14 ${EVIL}`, 1, 1, 1]]);
  assert.deepEqual(numbers(capture, 'allocator', { view: 'temporary_allocations' }), []);
});

test('shares are of the selection; sorting by each column', (t) => {
  const rows = summarizeGroups(openCapture(t, groupsCapture), { ...HIGH_WATERMARK, pid: 10 }, 'comm');
  assert.deepEqual(
    rows.map((row) => Math.round(row.percent)),
    [67, 33],
  );
  const first = (column: number) => sortGroups([...rows], column)[0]!.group;
  assert.deepEqual([1, 2, 3, 4, 5].map(first), ['make', 'make', 'make', 'make', 'make']);
  const all = summarizeGroups(openCapture(t, groupsCapture), HIGH_WATERMARK, 'cgroup');
  assert.deepEqual(
    sortGroups(all, 1).map((row) => row.group),
    [EVIL, '(unknown)', '/build/a', '/build/b'],
  );
});

test('rows of a table have a group and the facts by which it is known', (t) => {
  const capture = openCapture(t, groupsCapture);
  const top = (by: Grouping) => {
    const [row] = JSON.parse(tableJson(capture, HIGH_WATERMARK, { by, maxRows: 1 })).rows;
    const { bytes, allocations, function: name, file, line, module, ...group } = row;
    assert.deepEqual([name, file, line, module], ['main', 'main.c', 3, '/usr/bin/tool']);
    return { bytes, allocations, ...group };
  };
  const gcc = { pid: 11, comm: 'gcc' };
  const first = { bytes: 1000, allocations: 4, allocator: 'malloc' };
  assert.deepEqual(top('process'), { ...first, group: '11 gcc -c a.c', ...gcc, command_line: 'gcc -c a.c' });
  assert.deepEqual(top('thread'), { ...first, group: '11 gcc', ...gcc, tid: 11, thread_name: 'gcc' });
  assert.deepEqual(top('comm'), { bytes: 1500, allocations: 7, allocator: 'malloc', group: 'gcc', comm: 'gcc' });
  assert.deepEqual(top('cgroup'), {
    bytes: 1300,
    allocations: 7,
    allocator: 'malloc',
    group: '/build/a',
    cgroup: '/build/a',
  });
  assert.deepEqual(top('allocator'), { bytes: 1810, allocations: 13, allocator: 'malloc', group: 'malloc' });
});

test('a table by cgroup has a row per cgroup and location', (t) => {
  const rows = tableRows(openCapture(t, groupsCapture), HIGH_WATERMARK, 'cgroup');
  assert.deepEqual(
    rows.map((row) => [row.group, row.function, row.bytes]),
    [
      ['/build/a', 'main', 1300],
      ['/build/b', 'main', 500],
      ['/build/a', 'load', 24],
      ['/build/b', 'load', 24],
      ['(unknown)', 'main', 8],
      [EVIL, 'main', 2],
    ],
  );
});

test('a page of a table carries the title of its groups; names stay text', (t) => {
  const capture = openCapture(t, groupsCapture);
  const assets = { style: '', script: '' };
  const data = (by: Grouping) => {
    const page = tablePage(capture, HIGH_WATERMARK, { by, maxRows: 99 }, assets)!;
    return JSON.parse(/id="mp-data">(.*?)<\/script>/s.exec(page)![1]!);
  };
  const byComm = data('comm');
  assert.deepEqual(byComm.by, { title: 'Command', hides: '' });
  assert.deepEqual(
    byComm.rows.map((row: string[]) => row[0]),
    ['gcc', 'make', 'sh', 'gcc', '(unknown)', '\\x1b[2J</script>\\x0a'],
  );
  assert.deepEqual(data('allocator').by, { title: 'Allocator', hides: 'Allocator' });
});

test('stacks of a flame graph begin with their groups', async (t) => {
  const lines = async (by: Grouping) => drawnLines(await draw(openCapture(t, groupsCapture), { by }));
  assert.deepEqual(await lines('comm'), [
    'all (6 processes) owner 1858',
    '  command gcc owner 1548',
    '    main native 1548',
    '      load native 48',
    '  command make owner 200',
    '    main native 200',
    '  command sh owner 100',
    '    main native 100',
    '  command (unknown) owner 8',
    '    main native 8',
    '  command \\x1b[2J</script>\\x0a owner 2',
    '    main native 2',
  ]);
  const owners = async (by: Grouping) => (await lines(by)).filter((line) => /^ {2}\w/.test(line));
  assert.deepEqual((await owners('cgroup')).slice(0, 2), [
    '  cgroup /build/a owner 1324',
    '  cgroup /build/b owner 524',
  ]);
  assert.deepEqual(await owners('allocator'), ['  allocator malloc owner 1810', '  allocator calloc owner 48']);
  assert.deepEqual((await owners('process')).slice(2, 4), [
    '  process 10 make all owner 200',
    '  process 10 sh -c make owner 100',
  ]);
});

test('threads stand below their processes', async (t) => {
  const drawn = await draw(openCapture(t, forkCapture), { by: 'thread' });
  assert.deepEqual(drawnLines(drawn), [
    'all (2 processes) owner 1500',
    '  process 200 server -d owner 1000',
    '    thread 200 server owner 1000',
    '      serve native 1000',
    '  process 201 server owner 500',
    '    thread 201 server owner 500',
    '      serve native 500',
  ]);
});
