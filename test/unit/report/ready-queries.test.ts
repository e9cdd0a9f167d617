import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { register as info } from '../../../src/cli/commands/info.ts';
import { READY_QUERIES } from '../../../src/report/ready-queries.ts';
import { COMMANDS, completions, type Relation } from '../../../src/report/sql-completion.ts';
import { splitStatements } from '../../../src/report/sql-statements.ts';
import { openReader, type Row } from '../../../src/store/db.ts';
import { Recording } from '../helpers/recording.ts';
import { runCommand } from './command.ts';

/**
 * One process, two threads; blocks by function: keep 1000 bytes at 0.5 s, never freed; brief 300 bytes at 0.6 s, freed at
 * 1.5 s; late 50 bytes at 1.2 s, never freed; at_once 8 bytes, freed by the next call.
 */
function recorded(t: TestContext): Recording {
  const recording = new Recording(t);
  const { builder } = recording;
  const process = builder.process();
  const [first, second] = [builder.thread(process), builder.thread(process)];
  const stack = (name: string) => builder.stack('main', name);
  builder.at(500e6).allocate(first, 0x1000, 1000, { stack: stack('keep') });
  builder.at(600e6).allocate(second, 0x3000, 300, { stack: stack('brief') });
  builder
    .at(610e6)
    .allocate(first, 0x5000, 8, { stack: stack('at_once') })
    .free(first, 0x5000);
  builder.at(1200e6).allocate(first, 0x7000, 50, { stack: stack('late') });
  builder.at(1500e6).free(second, 0x3000);
  builder.at(2500e6).allocate(first, 0x9000, 1, { stack: stack('late') });
  recording.losses = { ring_dropped: 2 };
  return recording.finish();
}

/** First rows of what the queries give, by title. */
const EXPECTED: Record<string, Row[]> = {
  'The functions that leaked most': [
    { function: 'keep', file: null, line: null, allocations: 1, bytes: 1000 },
    { function: 'late', file: null, line: null, allocations: 2, bytes: 51 },
  ],
  'The modules that leaked most': [{ module: null, allocations: 3, bytes: 1051 }],
  'The stack of the biggest leak, innermost frame first': [
    { position: 0, function: 'keep', file: null, line: null, module: null },
    { position: 1, function: 'main', file: null, line: null, module: null },
  ],
  'The threads with most at the high watermark': [
    { pid: 1000, tid: 2000, name: 'thread0', allocations: 2, bytes: 1050 },
    { pid: 1000, tid: 2001, name: 'thread1', allocations: 1, bytes: 300 },
  ],
  'Growth from 1 s to 2 s: what was live at the second and not at the first, less what was freed': [
    { function: 'late', line: null, growth_bytes: 50 },
    { function: 'brief', line: null, growth_bytes: -300 },
  ],
  'Lifetime of the blocks of each function, in seconds, of those that were freed': [
    { function: 'brief', line: null, freed: 1, mean_seconds: 0.9, longest_seconds: 0.9 },
    { function: 'at_once', line: null, freed: 1, mean_seconds: 0, longest_seconds: 0 },
  ],
  'What is freed at once: temporary allocations by function': [
    { function: 'at_once', line: null, allocations: 1, bytes: 8 },
  ],
  'Sizes of what was allocated': [
    { min_bytes: 1, max_bytes: 1, allocations: 1, bytes: 1 },
    { min_bytes: 8, max_bytes: 8, allocations: 1, bytes: 8 },
  ],
  'The peak of each process, and when it was': [{ pid: 1000, comm: 'comm0', heap_bytes: 1350, seconds: 1.2 }],
  'Functions in whose stacks most was allocated, each counted once for a stack': [
    { function: 'main', bytes: 1359, allocations: 5 },
    { function: 'keep', bytes: 1000, allocations: 1 },
  ],
  'What was lost': [{ kind: 'ring_dropped', count: 2 }],
};

test('every ready query runs, and says what is known', (t) => {
  const db = openReader(recorded(t).path);
  t.after(() => db.close());
  assert.deepEqual(
    Object.keys(EXPECTED),
    READY_QUERIES.map(({ title }) => title),
  );
  for (const { title, sql } of READY_QUERIES) {
    assert.ok(sql.endsWith(';'), title);
    const expected = EXPECTED[title]!;
    assert.deepEqual(db.all(sql).slice(0, expected.length), expected, title);
  }
});

test('mp info --sql prints them as a script', async (t) => {
  const { path } = recorded(t);
  const { out } = await runCommand(info, ['info', '--sql', path]);
  assert.equal(splitStatements(out).statements.length, READY_QUERIES.length);
  for (const { title } of READY_QUERIES) assert.ok(out.includes(`-- ${title}\n`), title);
  assert.deepEqual(JSON.parse((await runCommand(info, ['info', '--sql', '--json', path])).out), READY_QUERIES);
});

const RELATIONS: Relation[] = [
  { name: 'leaks', columns: ['function', 'file', 'bytes'] },
  { name: 'loss', columns: ['kind', 'count'] },
];

for (const [text, hits, word] of [
  ['', ['FROM', 'bytes', 'leaks'], ''],
  ['.', [...COMMANDS].sort(), '.'],
  ['.e', ['.examples', '.exit'], '.e'],
  ['SELECT f', ['FROM', 'file', 'function'], 'f'],
  ['SELECT * FROM l', ['leaks', 'loss'], 'l'],
  ['SELECT * FROM leaks JOIN lo', ['loss'], 'lo'],
  ['SELECT * FROM leaks, lo', ['loss'], 'lo'],
  ['SELECT * FROM loss WHERE k', ['kind'], 'k'],
  ['SELECT * FROM loss WHERE by', [], 'by'],
  ['SELECT l.fi', ['l.file'], 'l.fi'],
  ['SELECT FUN', ['function'], 'FUN'],
  ['SELECT nothing_like_that', [], 'nothing_like_that'],
] as const) {
  test(`completion of ${JSON.stringify(text)}`, () => {
    const [found, completed] = completions(text, RELATIONS);
    assert.equal(completed, word);
    if (text === '')
      assert.ok(
        hits.every((hit) => found.includes(hit)),
        found.join(' '),
      );
    else assert.deepEqual(found, hits);
  });
}
